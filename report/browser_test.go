package report

import (
	"encoding/base64"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// browsers are the commands that a Chromium may have.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// measuring shows the page in frames as wide as screens, and leaves there what a
// reader would notice: sideways scrolling, pictures that did not load, and figures
// that do not open.
const measuring = `<!DOCTYPE html><meta charset="utf-8"><body><pre id="result"></pre><script>
const bytes = Uint8Array.from(atob("%s"), c => c.charCodeAt(0));
const page = new TextDecoder().decode(bytes);
for (const width of [375, 768, 1280]) {
  const frame = document.createElement("iframe");
  frame.style.cssText = "width: " + width + "px; height: 800px; border: 0";
  frame.srcdoc = page;
  frame.onload = () => {
    const inner = frame.contentDocument, root = inner.documentElement;
    const broken = [...inner.images].filter(i => !(i.complete && i.naturalWidth > 0)).length;
    const picture = inner.querySelector(".picture");
    const before = picture.getBoundingClientRect().width > 0 && !picture.matches(":popover-open");
    picture.querySelector("button").click();
    document.getElementById("result").textContent += "[" + width + " overflow " + (root.scrollWidth - root.clientWidth) +
      " broken " + broken + " opens " + (before && picture.matches(":popover-open")) + "]";
  };
  document.body.append(frame);
}
</script>`

// TestInBrowser looks at a page with a Chromium, where there is one.
func TestInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds to start")
	}
	browser := ""
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("there is no Chromium to look at the page with")
	}
	long := strings.Repeat("unbroken", 40)
	html := pageOf(t, runFolder(t, stackedMetrics), runFolder(t, fmt.Sprintf(
		`{"recipe": "own", "dataset": {"name": %[1]q}, %[1]q: %[1]q, "group": {%[1]q: [[%[1]q]]}, "command": %[1]q, "epochs": [{"loss": 1}]}`, long)))
	path := filepath.Join(t.TempDir(), "measuring.html")
	write(t, path, fmt.Appendf(nil, measuring, base64.StdEncoding.EncodeToString([]byte(html))))
	out, err := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu",
		"--user-data-dir="+t.TempDir(), "--window-size=1400,900", "--virtual-time-budget=5000", "--dump-dom", "file://"+filepath.ToSlash(path)).Output()
	if err != nil {
		t.Skipf("%s does not run here: %v", browser, err)
	}
	for _, width := range []int{375, 768, 1280} {
		want := fmt.Sprintf("[%d overflow 0 broken 0 opens true]", width)
		if !strings.Contains(string(out), want) {
			t.Errorf("got %s, want %s", regexp.MustCompile(`\[\d+ overflow[^\]]*\]`).FindAll(out, -1), want)
		}
	}
}
