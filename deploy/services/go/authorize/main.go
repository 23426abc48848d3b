// Decides who may connect, and who may join and publish in the rooms of `ask`. Only a clear yes allows: run two of it.
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"

	"github.com/nats-io/nats.go"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// Question is what a gateway asks. Room is empty where the question is who may connect; Claims is nil for anonymous users.
type Question struct {
	User    string          `json:"user"`
	Session string          `json:"session"`
	Claims  map[string]any  `json:"claims"`
	Room    string          `json:"room"`
	Data    json.RawMessage `json:"data"`
	Event   string          `json:"event"`
}

// Answer allows with Allow alone.
type Answer struct {
	Allow  bool           `json:"allow"`
	Reason string         `json:"reason,omitempty"`
	TTLMs  int            `json:"ttlMs,omitempty"`
	Info   map[string]any `json:"info,omitempty"`
	Limits map[string]int `json:"limits,omitempty"`
}

var (
	guests  = map[string][]string{"ask:ticket-7": {"alice"}}
	blocked = []string{"mallory"}
)

func mayJoin(q Question) Answer {
	if !slices.Contains(guests[q.Room], q.User) {
		return Answer{Reason: "not your ticket"}
	}
	// Asked again after a minute; what is allowed meanwhile needs no answer.
	return Answer{Allow: true, TTLMs: 60_000, Info: map[string]any{"role": "guest"}}
}

func mayPublish(q Question) Answer {
	allow := slices.Contains(guests[q.Room], q.User)
	return Answer{Allow: allow, TTLMs: 60_000, Limits: map[string]int{"publishesPerSecond": 5}}
}

func mayConnect(q Question) Answer {
	if slices.Contains(blocked, q.User) {
		return Answer{Reason: "blocked"}
	}
	return Answer{Allow: true, TTLMs: 600_000}
}

// decide answers one kind of question. What can't be read is not answered, so it is refused.
func decide(nc *nats.Conn, subject string, answer func(Question) Answer) error {
	_, err := nc.QueueSubscribe(subject, "doors", func(msg *nats.Msg) {
		var question Question
		if err := json.Unmarshal(msg.Data, &question); err != nil {
			log.Print(err)
			return
		}
		body, err := json.Marshal(answer(question))
		if err == nil {
			err = msg.Respond(body)
		}
		if err != nil {
			log.Print(err)
		}
	})
	return err
}

func run() error {
	nc, err := nats.Connect(cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL))
	if err != nil {
		return err
	}
	defer nc.Close()
	for subject, answer := range map[string]func(Question) Answer{
		"sluice.authorize.join.ask":    mayJoin,
		"sluice.authorize.publish.ask": mayPublish,
		"sluice.authorize.connect":     mayConnect,
	} {
		if err := decide(nc, subject, answer); err != nil {
			return err
		}
	}
	if err := nc.Flush(); err != nil {
		return err
	}
	fmt.Println("deciding")
	select {}
}
