// Questions that routers answer: who is in a room, where a user is, what there is.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/nats-io/nats.go"

	"sluice-service-examples/api"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

type named struct {
	Room string `json:"room"`
	User string `json:"user"`
}

func run() error {
	nc, err := nats.Connect(cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL))
	if err != nil {
		return err
	}
	defer nc.Close()

	var presence struct {
		Count   int     `json:"count"`
		Members []named `json:"members"`
	}
	if err := api.Ask(nc, "presence", map[string]any{"room": "chat:lobby", "limit": 100}, &presence); err != nil {
		return err
	}
	var users []string
	for _, member := range presence.Members {
		users = append(users, member.User)
	}
	fmt.Printf("chat:lobby has %d members: %s\n", presence.Count, strings.Join(users, " "))

	var count struct {
		Counts map[string]struct {
			Members int `json:"members"`
		} `json:"counts"`
	}
	if err := api.Ask(nc, "count", map[string]any{"rooms": []string{"chat:lobby", "chat:garden"}}, &count); err != nil {
		return err
	}
	fmt.Printf("chat:garden has %d members\n", count.Counts["chat:garden"].Members)

	var list struct {
		Rooms []named `json:"rooms"`
		Next  string  `json:"next"`
	}
	if err := api.Ask(nc, "rooms", map[string]any{"namespace": "chat", "limit": 100}, &list); err != nil {
		return err
	}
	var rooms []string
	for _, room := range list.Rooms {
		rooms = append(rooms, room.Room)
	}
	fmt.Printf("rooms of chat: %s\n", strings.Join(rooms, " "))

	var alice struct {
		Connections int      `json:"connections"`
		Rooms       []string `json:"rooms"`
	}
	if err := api.Ask(nc, "user", map[string]any{"user": "alice"}, &alice); err != nil {
		return err
	}
	fmt.Printf("alice has %d connection and is in %s\n", alice.Connections, strings.Join(alice.Rooms, " "))

	var there struct {
		Gateways []struct{} `json:"gateways"`
	}
	if err := api.Ask(nc, "gateways", struct{}{}, &there); err != nil {
		return err
	}
	fmt.Printf("gateways: %d\n", len(there.Gateways))

	var refused *api.Error
	if err := api.Ask(nc, "presence", map[string]any{"room": ""}, &presence); !errors.As(err, &refused) {
		return fmt.Errorf("expected a refusal: %w", err)
	}
	fmt.Printf("refused: %s\n", refused.Code)
	return nil
}
