package command

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"inference-stack/sim/plugins/internal/properties"
)

// How long a command may take to end after SIGTERM before its process group is killed.
const localStopGrace = 3 * time.Second

var defaultInterpreter = []string{"/bin/sh", "-c"}

// runLocal runs a command on this machine, in a process group of its own.
func (p *Provider) runLocal(ctx context.Context, current step, prepared invocation) error {
	arguments := stringsOf(current.inputs, "interpreter")
	if len(arguments) == 0 {
		arguments = defaultInterpreter
	}
	arguments = append(append([]string{}, arguments...), prepared.command)
	process := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	process.Dir = properties.String(current.inputs, "dir")
	process.Env = append(os.Environ(), sortedEnvironment(prepared.environment)...)
	process.Stdin = strings.NewReader(prepared.stdin)
	process.Stdout, process.Stderr = prepared.stdout, prepared.stderr
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	process.Cancel = func() error { return killGroup(process.Process.Pid, syscall.SIGTERM) }
	process.WaitDelay = localStopGrace
	err := process.Run()
	if ctx.Err() != nil && process.Process != nil {
		return errors.Join(err, killGroup(process.Process.Pid, syscall.SIGKILL))
	}
	return err
}

func killGroup(group int, signal syscall.Signal) error {
	if err := syscall.Kill(-group, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
