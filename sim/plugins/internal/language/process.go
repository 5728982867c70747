package language

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// How long node may take to end after SIGTERM before its whole process group is killed.
const stopGrace = 2 * time.Second

var errNotDirectory = syscall.ENOTDIR

// process is one run of node in a process group of its own.
type process struct {
	arguments      []string
	environment    []string
	directory      string
	stdout, stderr io.Writer
}

// run starts node and returns its exit code. When ctx ends first, node and everything it started are stopped and the
// error is that of the context.
func (p process) run(ctx context.Context) (int, error) {
	command := exec.CommandContext(ctx, "node", p.arguments...)
	command.Env = p.environment
	command.Dir = p.directory
	command.Stdout, command.Stderr = p.stdout, p.stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return signalGroup(command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = stopGrace
	err := command.Run()
	if command.Process != nil {
		// Whatever the program left running in its group must not outlive it.
		if killErr := signalGroup(command.Process.Pid, syscall.SIGKILL); killErr != nil {
			err = errors.Join(err, killErr)
		}
	}
	if ctx.Err() != nil {
		return -1, context.Cause(ctx)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return exit.ExitCode(), nil
	}
	return 0, err
}

func signalGroup(group int, signal syscall.Signal) error {
	if err := syscall.Kill(-group, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
