// Package process runs the local cloud's programs so that none outlives the
// drill: each has a process group of its own that Stop and Kill reach as a
// whole, and the kernel ends it when the drill dies, even by SIGKILL.
package process

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Spec of one program. Nothing is inherited: Env is all the program gets.
type Spec struct {
	Name string // for messages
	Path string
	Args []string
	Env  []string
	Dir  string
	Out  io.Writer // both output streams

	// OnDrillDeath is the signal the program gets when the drill dies. SIGKILL
	// where it is zero. A program with children of its own wants SIGTERM and
	// Lifeline, so that it can end them.
	OnDrillDeath syscall.Signal
	// Lifeline gives the program a pipe as standard input that closes when the
	// drill is gone or Stop was called.
	Lifeline bool
	// Credential and AmbientCaps run it as another user (see node).
	Credential  *syscall.Credential
	AmbientCaps []uintptr
}

// noSetuidFixup is SECBIT_NO_SETUID_FIXUP of linux/securebits.h
// (capabilities(7)). What exec leaves is AmbientCaps all the same.
const noSetuidFixup = 1 << 2

// Process is one started program.
type Process struct {
	name     string
	pid      int
	lifeline io.Closer
	done     chan struct{}
	err      error
	asked    atomic.Bool
}

// Start starts the program. It returns when the program runs, not when it is
// ready.
//
// Pdeathsig follows the thread that forked, not the process (prctl(2),
// PR_SET_PDEATHSIG): so the goroutine that starts the program keeps its thread
// locked until the program has ended.
func Start(spec Spec) (*Process, error) {
	cmd := exec.Command(spec.Path, spec.Args...) //nolint:noctx // it outlives whoever starts it; Stop and the drill's death end it
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = spec.Env, spec.Dir, spec.Out, spec.Out
	// A grandchild that keeps the output open must not hold Wait back.
	cmd.WaitDelay = 2 * time.Second
	death := spec.OnDrillDeath
	if death == 0 {
		death = syscall.SIGKILL
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:     true,
		Pdeathsig:   death,
		Credential:  spec.Credential,
		AmbientCaps: spec.AmbientCaps,
	}
	p := &Process{name: spec.Name, done: make(chan struct{})}
	if spec.Lifeline {
		pipe, err := cmd.StdinPipe()
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", spec.Name, err)
		}
		p.lifeline = pipe
	}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if len(spec.AmbientCaps) > 0 {
			// This thread's alone, and the program's by inheritance. Without it
			// access(2), which asks for the real user, ignores capabilities of
			// everybody but root, and the JVM's Files.exists is access(2).
			if err := unix.Prctl(unix.PR_SET_SECUREBITS, noSetuidFixup, 0, 0, 0); err != nil {
				started <- fmt.Errorf("set secure bits: %w", err)
				return
			}
		}
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		p.err = cmd.Wait()
		// Whatever it started goes with it.
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	return p, nil
}

// PID is also the id of the process group.
func (p *Process) PID() int { return p.pid }

// Done is closed when the program has ended and its group with it.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the program ended, nil for a wanted end. To be asked after Done.
func (p *Process) Err() error {
	if p.asked.Load() {
		return nil
	}
	if p.err == nil {
		return fmt.Errorf("%s ended by itself", p.name)
	}
	return fmt.Errorf("%s ended: %w", p.name, p.err)
}

// Stop asks the program to end, and kills its group if it has not within grace.
func (p *Process) Stop(grace time.Duration) error {
	p.asked.Store(true)
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := syscall.Kill(p.pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(grace):
		return p.Kill()
	}
}

// Kill is SIGKILL to the whole group, as a machine that is lost.
func (p *Process) Kill() error {
	p.asked.Store(true)
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := syscall.Kill(-p.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.done
	return nil
}
