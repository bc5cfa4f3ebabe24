package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"hourglass/internal/kernel"
)

// machine names what the numbers were measured on; ratios carry over to other
// machines better than times do, and neither carries over exactly.
type machine struct {
	cpu    string
	memory string
	load   string // of other programs, when the measurements began
}

func thisMachine() machine {
	return machine{cpu: cpuModel(), memory: memorySize(), load: loadAverage()}
}

// String is one Markdown paragraph.
func (m machine) String() string {
	parts := []string{fmt.Sprintf("%s, %d cores", m.cpu, runtime.NumCPU())}
	if m.memory != "" {
		parts = append(parts, m.memory+" of memory")
	}
	parts = append(parts,
		systemName(),
		fmt.Sprintf("%s (%s/%s)", runtime.Version(), runtime.GOOS, runtime.GOARCH),
		"Hourglass' kernels "+kernel.SIMD())
	if m.load != "" {
		parts = append(parts, "load average "+m.load+" before it began")
	}
	return strings.Join(parts, "; ")
}

// cpuModel returns the processor's name, or the architecture's where the system
// keeps it to itself.
func cpuModel() string {
	if model := field("/proc/cpuinfo", "model name"); model != "" {
		return model
	}
	if model, err := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output(); err == nil {
		return strings.TrimSpace(string(model))
	}
	return "unknown " + runtime.GOARCH + " processor"
}

// memorySize returns the size of the main memory, if the system tells.
func memorySize() string {
	kib, err := strconv.Atoi(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d GiB", (kib+1<<19)>>20)
}

func systemName() string {
	if name := strings.Trim(fieldOf("/etc/os-release", "PRETTY_NAME", "="), `"`); name != "" {
		return name
	}
	return runtime.GOOS
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// field returns the value of the first line "key: value" of a file.
func field(path, key string) string { return fieldOf(path, key, ":") }

func fieldOf(path, key, separator string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, separator); found && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
