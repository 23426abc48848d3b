// Who comes and goes in the rooms of chat, from the stream of events, without a gap also while this service is down.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	nc, err := nats.Connect(cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}

	// A durable consumer remembers how far this service has come. Filters are subjects: by kind, namespace, room and user.
	consumer, err := js.CreateOrUpdateConsumer(ctx, "SLUICE_EVENTS", jetstream.ConsumerConfig{
		Durable:        "shop",
		AckPolicy:      jetstream.AckExplicitPolicy,
		DeliverPolicy:  jetstream.DeliverNewPolicy,
		FilterSubjects: []string{"sluice.event.joined.chat.*.*", "sluice.event.left.chat.*.*", "sluice.event.resync.>"},
	})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages()
	if err != nil {
		return err
	}
	fmt.Println("waiting for events")

	// Ids handled lately: an event may come again.
	seen := map[string]bool{}
	for {
		msg, err := messages.Next()
		if err != nil {
			return err
		}
		if id := msg.Headers().Get("Nats-Msg-Id"); !seen[id] {
			var event struct{ Kind, Room, User string }
			if err := json.Unmarshal(msg.Data(), &event); err != nil {
				return err
			}
			// Events of a shard may be missing before it: ask for the state again, as ask does.
			if event.Kind == "resync" {
				fmt.Println("events may be missing")
			} else {
				fmt.Println(event.User, event.Kind, event.Room)
			}
			if len(seen) >= 10_000 {
				clear(seen)
			}
			seen[id] = true
		}
		// After the work is done: what is not acknowledged comes again.
		if err := msg.Ack(); err != nil {
			return err
		}
	}
}
