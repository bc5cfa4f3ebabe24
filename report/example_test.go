package report_test

import (
	"log"

	"hourglass/report"
)

// A page of one run, and one of several with a table of contents.
func ExampleWrite() {
	if err := report.Write("runs/stacked/report.html", "runs/stacked"); err != nil {
		log.Fatal(err)
	}
	if err := report.Write("runs/report.html", "runs/linear", "runs/stacked", "runs/relu"); err != nil {
		log.Fatal(err)
	}
}
