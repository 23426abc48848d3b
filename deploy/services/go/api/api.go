// Package api puts requests to routers: JSON in, JSON out, errors as the NATS services protocol has them.
package api

import (
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"
)

// Error is what a router answers where it can't: Code is one of the protocol's, such as bad_request or unavailable.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Ask puts a question. The error is an *Error, or the client's own where nobody answers. The id is for what changes something: asked
// again with the same id, it is done once and answered alike.
func Ask(nc *nats.Conn, verb string, question, answer any, id ...string) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	request := nats.NewMsg("sluice.api." + verb)
	request.Data = body
	if len(id) > 0 {
		request.Header.Set("Nats-Msg-Id", id[0])
	}
	msg, err := nc.RequestMsg(request, 5*time.Second)
	if err != nil {
		return err
	}
	if msg.Header.Get("Nats-Service-Error-Code") != "" {
		refused := new(Error)
		if err := json.Unmarshal(msg.Data, refused); err != nil {
			return err
		}
		return refused
	}
	return json.Unmarshal(msg.Data, answer)
}
