package main

import "github.com/prometheus/procfs"

// cpuSeconds returns how much processor time a process and those it started have
// used so far, where the system tells it (Linux does).
func cpuSeconds(pid int) (seconds float64, ok bool) {
	all, err := procfs.AllProcs()
	if err != nil {
		return 0, false
	}
	children := map[int][]procfs.ProcStat{}
	for _, p := range all {
		stat, err := p.Stat()
		if err != nil {
			continue // it has just ended
		}
		children[stat.PPID] = append(children[stat.PPID], stat)
		if stat.PID == pid {
			seconds, ok = stat.CPUTime(), true
		}
	}
	var add func(parent int)
	add = func(parent int) {
		for _, child := range children[parent] {
			seconds += child.CPUTime()
			add(child.PID)
		}
	}
	add(pid)
	return seconds, ok
}
