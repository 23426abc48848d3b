// Prints the tokens of names, one a line, for scripts: nats pub "sluice.room.chat.$(token 'Team A.1')" …
package main

import (
	"fmt"
	"os"

	"sluice-service-examples/names"
)

func main() {
	for _, name := range os.Args[1:] {
		fmt.Println(names.Token(name))
	}
}
