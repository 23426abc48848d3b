// Has routers publish: into rooms and to users by their names, whether they keep a history or not, in one request, with a receipt.
package main

import (
	"cmp"
	"fmt"
	"log"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"sluice-service-examples/api"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// Published has the offset of one message that was stored, or how many of a list were published.
type Published struct {
	Offset    uint64
	Published int
	Receipt   struct{ Gateways, Connections, Written, Skipped int }
}

type fields map[string]any

func run() error {
	nc, err := nats.Connect(cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL))
	if err != nil {
		return err
	}
	defer nc.Close()

	// To how many it went: for whom it was, and whose queue has taken it.
	var told Published
	shipped := fields{
		"room": "chat:lobby", "event": "order.shipped", "data": fields{"order": 7},
		"exclude": fields{"user": "bob"}, "receipt": true,
	}
	if err := api.Ask(nc, "publish", shipped, &told); err != nil {
		return err
	}
	fmt.Printf("written to %d of %d on %d gateway\n", told.Receipt.Written, told.Receipt.Connections, told.Receipt.Gateways)

	// The same request again, as after a time-out, is done once and answered alike.
	var first, again Published
	id := nuid.Next()
	request := fields{"room": "chat:lobby", "data": fields{"text": "once"}}
	if err := api.Ask(nc, "publish", request, &first, id); err != nil {
		return err
	}
	if err := api.Ask(nc, "publish", request, &again, id); err != nil {
		return err
	}
	fmt.Println("the same place:", first.Offset == again.Offset)

	// Many rooms or users in one request, up to 1000.
	var rooms, users Published
	toRooms := fields{"rooms": []string{"chat:lobby", "chat:Team A.1", "lobby"}, "data": "all"}
	if err := api.Ask(nc, "publish", toRooms, &rooms); err != nil {
		return err
	}
	toUsers := fields{"users": []string{"alice", "bob"}, "data": fields{"unread": 3}, "ephemeral": true}
	if err := api.Ask(nc, "publish", toUsers, &users); err != nil {
		return err
	}
	fmt.Printf("into %d rooms, to %d users\n", rooms.Published, users.Published)
	return nil
}
