package studio

import (
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// policy is what the page may do: nothing that is not from here. The map's shaders are
// bound by functions that its library composes (regl), which is what 'unsafe-eval' is for.
const policy = "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard lets only those in who were given the address.
type guard struct {
	token  string
	cookie string // its name; cookies know no ports, so it has the port in it
	port   string
	next   http.Handler
}

// newGuard returns a handler in front of another, for a server at an address.
func newGuard(token string, addr net.Addr, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(addr.String())
	g := &guard{token: token, cookie: "hourglass_studio_" + port, port: port, next: next}
	return http.NewCrossOriginProtection().Handler(g)
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	switch {
	case !g.isHere(r.Host):
		http.Error(w, "the studio is not known by that name; want localhost or 127.0.0.1", http.StatusMisdirectedRequest)
	case !g.fromHere(r):
		http.Error(w, "the studio answers its own page only", http.StatusForbidden)
	case r.URL.Query().Has("token"):
		g.admit(w, r)
	case !g.knows(r):
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintln(w, "Open the address that hourglass studio has printed, with its token: the studio shows itself to nobody else.")
	default:
		g.next.ServeHTTP(w, r)
	}
}

// isHere reports whether a host is this machine, by a name that nobody can point elsewhere,
// at the port that is served.
func (g *guard) isHere(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil || port != g.port {
		return false
	}
	ip, err := netip.ParseAddr(name)
	return name == "localhost" || err == nil && ip.IsLoopback()
}

// fromHere reports whether a request was made by the studio's page or typed by a person.
func (g *guard) fromHere(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		return false
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "same-origin" || site == "none" || r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Method == http.MethodGet
}

// admit exchanges the token in an address for a cookie and sends the reader on to the
// address without it.
func (g *guard) admit(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if subtle.ConstantTimeCompare([]byte(query.Get("token")), []byte(g.token)) != 1 {
		http.Error(w, "this token is not the studio's; it has a new one whenever it is started", http.StatusUnauthorized)
		return
	}
	query.Del("token")
	http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: g.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	clean := url.URL{Path: "/" + strings.TrimLeft(r.URL.Path, "/"), RawQuery: query.Encode()}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, clean.String(), http.StatusSeeOther)
}

// knows reports whether a request has the cookie.
func (g *guard) knows(r *http.Request) bool {
	c, err := r.Cookie(g.cookie)
	return err == nil && subtle.ConstantTimeCompare([]byte(c.Value), []byte(g.token)) == 1
}
