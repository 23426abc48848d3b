// Stored pushes: kept in the history of a room or in a user's inbox, unacknowledged or acknowledged.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"sluice-service-examples/names"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// store stores a message once: where no answer comes, the same id is sent again, and the stream knows it for two minutes.
func store(ctx context.Context, js jetstream.JetStream, room, id, payload string) (*jetstream.PubAck, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	// The window of ids is one for all rooms of a namespace, so the room stands in front of ours.
	msgID := jetstream.WithMsgID(names.Token(room) + "/" + id)
	for {
		attempt, stop := context.WithTimeout(ctx, 2*time.Second)
		ack, err := js.Publish(attempt, "sluice.pub.room.chat."+names.Token(room), []byte(payload), msgID)
		stop()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return ack, err
		}
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

	// Unacknowledged: probably stored.
	if err := nc.Publish("sluice.pub.room.chat.lobby", []byte(`{"text":"probably kept"}`)); err != nil {
		return err
	}

	// Acknowledged: stored, and where. The same message again is stored once.
	order := nuid.Next()
	first, err := store(ctx, js, "lobby", order, `{"text":"kept"}`)
	if err != nil {
		return err
	}
	fmt.Printf("stored in %s\n", first.Stream)
	again, err := store(ctx, js, "lobby", order, `{"text":"kept"}`)
	if err != nil {
		return err
	}
	fmt.Printf("again: duplicate %t, same place %t\n", again.Duplicate, again.Sequence == first.Sequence)

	// Kept from bob, who gets `withheld` in its place: his chain of offsets stays whole.
	notBob := nats.NewMsg("sluice.pub.room.chat.lobby")
	notBob.Data = []byte(`{"text":"kept from bob"}`)
	notBob.Header.Set("Sluice-Exclude-User", names.Token("bob"))
	if _, err := js.PublishMsg(ctx, notBob); err != nil {
		return err
	}

	// A user's inbox: the user gets it now, or when it comes back.
	inbox, err := js.Publish(ctx, "sluice.pub.user.alice", []byte(`{"invoice":9}`), jetstream.WithMsgID("alice/"+order))
	if err != nil {
		return err
	}
	fmt.Printf("stored in %s\n", inbox.Stream)

	// Many rooms: all are under way at once, each is answered.
	var acks []jetstream.PubAckFuture
	for _, room := range []string{"lobby", "garden", "Team A.1"} {
		msgID := jetstream.WithMsgID(names.Token(room) + "/" + order + "-all")
		ack, err := js.PublishAsync("sluice.pub.room.chat."+names.Token(room), []byte(`{"all":true}`), msgID)
		if err != nil {
			return err
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return err
		}
	}
	fmt.Printf("stored %d messages\n", len(acks))

	// Nobody answers where no history is kept.
	_, err = js.Publish(ctx, "sluice.pub.room.default.lobby", []byte(`{}`))
	if !errors.Is(err, jetstream.ErrNoStreamResponse) {
		return fmt.Errorf("expected no answer: %w", err)
	}
	fmt.Println("default keeps no history")
	return nil
}
