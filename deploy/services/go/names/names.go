// Package names writes names as NATS carries them: rooms, users and sessions become one token of a subject or one value of a header.
package names

import (
	"fmt"
	"net/url"
	"strings"
)

// Token turns a name into a token: "lobby" stays "lobby", "Team A.1" becomes "Team=20A=2E1".
func Token(name string) string {
	var token strings.Builder
	for _, b := range []byte(name) {
		switch {
		case 'A' <= b && b <= 'Z', 'a' <= b && b <= 'z', '0' <= b && b <= '9', b == '_', b == '-':
			token.WriteByte(b)
		default:
			fmt.Fprintf(&token, "=%02X", b)
		}
	}
	return token.String()
}

// Of gives the name back from its token.
func Of(token string) (string, error) {
	return url.PathUnescape(strings.ReplaceAll(token, "=", "%"))
}
