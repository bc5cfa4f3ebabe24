package serve

import (
	"embed"
)

//go:embed page.html page.css page.js
var pageFiles embed.FS

// pagePolicy lets the page load what comes from here and nothing else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page answers with one of the files that make the page at /. There is nothing of
// the models in them; the page asks for that as any client does.
func (s *Server) page(file, contentType string) handler {
	body, err := pageFiles.ReadFile(file)
	if err != nil {
		panic(err) // it was there when the program was made
	}
	return func(c *call) error {
		h := c.w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		return c.write(contentType, body)
	}
}
