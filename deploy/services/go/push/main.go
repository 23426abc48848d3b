// Live pushes: whoever is there now gets them, and nobody learns of a loss. Usage: push [session to leave out]
package main

import (
	"cmp"
	"fmt"
	"log"
	"os"

	"github.com/nats-io/nats.go"

	"sluice-service-examples/names"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	nc, err := nats.Connect(cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL))
	if err != nil {
		return err
	}
	defer nc.Close()

	// push publishes with headers, given as pairs. An error is told by the flush at the end.
	push := func(subject, payload string, headers ...string) {
		msg := nats.NewMsg(subject)
		msg.Data = []byte(payload)
		for i := 0; i+1 < len(headers); i += 2 {
			msg.Header.Set(headers[i], headers[i+1])
		}
		nc.PublishMsg(msg)
	}

	// Everyone in chat:lobby, and every connection of alice on every gateway.
	push("sluice.room.chat.lobby", `{"text":"from a service"}`)
	push("sluice.user.alice", `{"unread":3}`)

	// A name with other characters than A-Z a-z 0-9 _ - is written as a token.
	push("sluice.room.chat."+names.Token("Team A.1"), `{"text":"to Team A.1"}`)

	// All else is in headers: what it is, from whom, and a key by which clients know it again.
	push("sluice.room.chat.lobby", `{"order":7}`,
		"Sluice-Event", "order.shipped", "Sluice-From", names.Token("the shop"), "Sluice-Key", "order-7")

	// Bytes in place of JSON.
	push("sluice.room.chat.lobby", "\x00\xff", "Content-Type", "application/octet-stream")

	// Everyone but bob, on all of his connections; or everyone but one connection.
	push("sluice.room.chat.lobby", `{"text":"not for bob"}`, "Sluice-Exclude-User", names.Token("bob"))
	if len(os.Args) > 1 {
		push("sluice.room.chat.lobby", `{"text":"elsewhere"}`, "Sluice-Exclude-Session", names.Token(os.Args[1]))
	}

	// Many users or rooms: one publish for each. They leave together, and one flush proves that NATS has taken them all.
	for _, user := range []string{"alice", "bob", "carol"} {
		push("sluice.user."+names.Token(user), `{"maintenance":"22:00"}`)
	}
	if err := nc.Flush(); err != nil {
		return err
	}
	fmt.Println("NATS has taken everything")
	return nil
}
