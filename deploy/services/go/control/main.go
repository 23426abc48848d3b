// What services have done to connections: put into rooms, taken out, moved, closed. Usage: control [session to close]
package main

import (
	"cmp"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"sluice-service-examples/api"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// Done counts to how many a request did it: 0 where it was so already. Silent are gateways that live and have not answered in time.
type Done struct{ Connections, Silent int }

type fields map[string]any

func run() error {
	nc, err := nats.Connect(cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL))
	if err != nil {
		return err
	}
	defer nc.Close()

	// All connections of a user; clients are told by `added` and `removed`. No grant of theirs is needed, and none is given.
	var joined, left Done
	if err := api.Ask(nc, "join", fields{"user": "alice", "room": "chat:garden"}, &joined); err != nil {
		return err
	}
	if err := api.Ask(nc, "leave", fields{"user": "alice", "room": "chat:garden", "reason": "closing time"}, &left); err != nil {
		return err
	}
	fmt.Printf("alice: joined %d, left %d\n", joined.Connections, left.Connections)

	// One connection.
	if len(os.Args) > 1 {
		var closed Done
		if err := api.Ask(nc, "disconnect", fields{"session": os.Args[1], "reason": "one of too many"}, &closed); err != nil {
			return err
		}
		fmt.Printf("session: closed %d\n", closed.Connections)
	}

	// All of a user, and no token that was issued before now is let in again.
	var banned Done
	ban := fields{"user": "bob", "reason": "banned", "notBefore": time.Now().Unix()}
	if err := api.Ask(nc, "disconnect", ban, &banned); err != nil {
		return err
	}
	fmt.Printf("bob: closed %d\n", banned.Connections)

	// One connection of a gateway, to another one.
	var there struct {
		Gateways []struct{ Gateway string }
	}
	if err := api.Ask(nc, "gateways", fields{}, &there); err != nil {
		return err
	}
	var moved Done
	if err := api.Ask(nc, "move", fields{"gateway": there.Gateways[0].Gateway, "connections": 1}, &moved); err != nil {
		return err
	}
	fmt.Printf("moved %d\n", moved.Connections)

	var refused *api.Error
	if err := api.Ask(nc, "move", fields{"gateway": "gone"}, &moved); !errors.As(err, &refused) {
		return fmt.Errorf("expected a refusal: %w", err)
	}
	fmt.Printf("refused: %s\n", refused.Code)
	return nil
}
