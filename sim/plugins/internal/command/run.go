package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"inference-stack/sim/plugins/internal/properties"
)

var validLogging = map[string]bool{"stdout": true, "stderr": true, "stdoutAndStderr": true, "none": true}

// printed is what a command wrote, without the line end at its end.
type printed struct {
	stdout, stderr string
}

// invocation is a command ready to run, here or on another host.
type invocation struct {
	command     string
	environment map[string]string
	stdin       string
	// stdout and stderr receive what the command prints.
	stdout, stderr io.Writer
}

// runCommand runs the step's command, and passes on what it prints as its logging input asks.
func (p *Provider) runCommand(ctx context.Context, current step, redactor properties.Redactor) (printed, error) {
	command := properties.String(current.inputs, current.command)
	if command == "" {
		return keepOutput(current), nil
	}
	var stdout, stderr, both synchronized
	mode := properties.String(current.inputs, "logging")
	logStdout := p.lineWriter(ctx, current, redactor, mode == "" || strings.HasPrefix(mode, "stdout"))
	logStderr := p.lineWriter(ctx, current, redactor, mode == "" || mode == "stderr" || mode == "stdoutAndStderr")
	prepared := invocation{
		command:     command,
		environment: environmentOf(current),
		stdin:       properties.String(current.inputs, "stdin"),
		stdout:      io.MultiWriter(&stdout, &both, logStdout),
		stderr:      io.MultiWriter(&stderr, &both, logStderr),
	}
	run := p.runLocal
	if current.urn.Type() == remoteToken {
		run = p.runRemote
	}
	err := run(ctx, current, prepared)
	logStdout.flush()
	logStderr.flush()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return printed{}, fmt.Errorf("%w: running %q:\n%s", err, command, both.String())
	}
	return printed{trimLineEnd(stdout.String()), trimLineEnd(stderr.String())}, nil
}

// keepOutput is what a step without a command leaves: an update keeps what was printed before.
func keepOutput(current step) printed {
	return printed{properties.String(current.olds, "stdout"), properties.String(current.olds, "stderr")}
}

func trimLineEnd(text string) string { return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r") }

// environmentOf adds to the step's environment what the step before it printed.
func environmentOf(current step) map[string]string {
	environment := map[string]string{}
	for key := range properties.Object(current.inputs, "environment") {
		environment[string(key)] = properties.String(properties.Object(current.inputs, "environment"), key)
	}
	previous, given := current.inputs["addPreviousOutputInEnv"]
	if current.olds != nil && (!given || properties.Bool(current.inputs, "addPreviousOutputInEnv")) && !previous.IsComputed() {
		environment["PULUMI_COMMAND_STDOUT"] = properties.String(current.olds, "stdout")
		environment["PULUMI_COMMAND_STDERR"] = properties.String(current.olds, "stderr")
	}
	return environment
}

func sortedEnvironment(environment map[string]string) []string {
	pairs := make([]string, 0, len(environment))
	for _, key := range slices.Sorted(maps.Keys(environment)) {
		pairs = append(pairs, key+"="+environment[key])
	}
	return pairs
}

// synchronized collects text that several writers produce.
type synchronized struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (s *synchronized) Write(text []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.buffer.Write(text)
}

func (s *synchronized) String() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.buffer.String()
}

// lineLogger shows each line beside the resource until the next one comes. As with the official provider, the logging
// input alone decides about it, whether or not an input is secret: the engine takes the secrets of the config out of
// every message, and a program whose output is secret sets none.
type lineLogger struct {
	log  func(line string)
	rest []byte
}

func (p *Provider) lineWriter(
	ctx context.Context, current step, redactor properties.Redactor, enabled bool,
) *lineLogger {
	if !enabled {
		return &lineLogger{log: func(string) {}}
	}
	return &lineLogger{log: func(line string) {
		p.Engine.Status(ctx, string(current.urn), redactor.Redact(line))
	}}
}

func (l *lineLogger) Write(text []byte) (int, error) {
	l.rest = append(l.rest, text...)
	for {
		line, rest, complete := bytes.Cut(l.rest, []byte("\n"))
		if !complete {
			return len(text), nil
		}
		l.log(string(line))
		l.rest = rest
	}
}

func (l *lineLogger) flush() {
	if len(l.rest) > 0 {
		l.log(string(l.rest))
		l.rest = nil
	}
}

// strings of a list input.
func stringsOf(inputs resource.PropertyMap, key resource.PropertyKey) []string {
	list := properties.Reveal(inputs[key])
	if !list.IsArray() {
		return nil
	}
	var texts []string
	for _, element := range list.ArrayValue() {
		if element = properties.Reveal(element); element.IsString() {
			texts = append(texts, element.StringValue())
		}
	}
	return texts
}
