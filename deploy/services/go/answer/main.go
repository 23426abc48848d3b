// Answers calls of clients. Run it as often as you like: each call goes to one of those that run.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"sluice-service-examples/names"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

type order struct{ owner, state string }

// find stands in place of a database, which is asked no longer than the caller waits.
func find(ctx context.Context, id int) (order, error) {
	select {
	case <-time.After(5 * time.Millisecond):
		return map[int]order{7: {"alice", "shipped"}}[id], nil
	case <-ctx.Done():
		return order{}, ctx.Err()
	}
}

func getOrder(call micro.Request) error {
	// Headers are the gateway's: no client can set them. The payload is whatever a client has sent.
	user, err := names.Of(call.Headers().Get("Sluice-From"))
	if err != nil {
		return err
	}
	wait, err := time.ParseDuration(call.Headers().Get("Sluice-Deadline-Ms") + "ms")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	var asked struct{ ID *int }
	if err := json.Unmarshal(call.Data(), &asked); err != nil || asked.ID == nil {
		return call.Error("400", "an id is needed", []byte(`{}`))
	}
	found, err := find(ctx, *asked.ID)
	if err != nil {
		return err
	}
	fmt.Println(user, "asks for order", *asked.ID)
	if found.owner != user {
		// The client gets `service_error`, with this text as `message` and the body as `details`.
		return call.Error("404", "no such order", fmt.Appendf(nil, `{"id":%d}`, *asked.ID))
	}
	return call.RespondJSON(map[string]any{"id": *asked.ID, "state": found.state})
}

func run() error {
	nc, err := nats.Connect(cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL))
	if err != nil {
		return err
	}
	defer nc.Close()

	// Those that share the queue group share the calls.
	service, err := micro.AddService(nc, micro.Config{Name: "orders", Version: "1.0.0", QueueGroup: "orders"})
	if err != nil {
		return err
	}
	handler := micro.HandlerFunc(func(call micro.Request) {
		// The client hands over one after the other: a slow one must not hold up the rest.
		go func() {
			if err := getOrder(call); err != nil {
				log.Print(err)
			}
		}()
	})
	if err := service.AddGroup("sluice.call.orders").AddEndpoint("get", handler); err != nil {
		return err
	}
	if err := nc.Flush(); err != nil {
		return err
	}
	fmt.Println("answering")
	select {}
}
