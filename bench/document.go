package main

import (
	"fmt"
	"strings"
	"time"
)

// section is what one group of measurements came to.
type section struct {
	title string
	short [][]string // rows of the table at the top: what, Hourglass, peer, ratio
	text  []string   // paragraphs and tables
}

func (s *section) write(paragraph string) {
	s.text = append(s.text, strings.TrimRight(paragraph, "\n"))
}

// note writes an error as a paragraph of one line.
func (s *section) note(what string, err error) {
	if err != nil {
		reasons := oneLine(strings.ReplaceAll(err.Error(), "\n", "; ")) // of joined errors
		s.write(fmt.Sprintf("%s: %s.", what, strings.TrimSuffix(reasons, ".")))
	}
}

// brief adds a row to the table at the top.
func (s *section) brief(what, own, peer, ratio string) {
	s.short = append(s.short, []string{what, own, peer, ratio})
}

// document puts the sections together.
func document(m machine, torch string, date time.Time, sections []section) string {
	var b strings.Builder
	paragraph := func(text string) { b.WriteString(text + "\n\n") }
	paragraph("# Measured beside the peers")
	if torch != "" {
		torch = "; PyTorch " + torch
	}
	paragraph(fmt.Sprintf("On %s: %s%s.", date.Format("2 January 2006"), m, torch))
	paragraph("Written by `go run ./bench`, which [README.md](README.md) explains. Hourglass and its peers took turns in one " +
		"run; every number is a median over the repetitions. A ratio says how many times faster Hourglass was: the median of " +
		"the repetitions' own ratios, with the lowest and the highest of them in brackets.")
	short := table{head: []string{"", "Hourglass", "peer", "ratio"}}
	for _, s := range sections {
		short.rows = append(short.rows, s.short...)
	}
	if len(short.rows) > 0 {
		paragraph("## In short")
		paragraph(strings.TrimRight(short.String(), "\n"))
	}
	for _, s := range sections {
		paragraph("## " + s.title)
		for _, text := range s.text {
			paragraph(text)
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
