package node

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// The engine refuses to run as root. nobody and its group have this id on every
// Linux.
const nobody = 65534

// capDACReadSearch (linux/capability.h) lets the node pass folders that only
// root may enter, as a clone below /root: reading only, writing stays with what
// it owns.
//
// capSetPCap is what process.Start needs to make it count for access(2).
const (
	capDACReadSearch = 2
	capSetPCap       = 8
)

type identity struct {
	credential   *syscall.Credential
	capabilities []uintptr
}

// runAs is the caller itself, or nobody where the caller is root.
func runAs() identity {
	if os.Geteuid() != 0 {
		return identity{}
	}
	id := identity{credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if permitted(capDACReadSearch) && permitted(capSetPCap) {
		id.capabilities = []uintptr{capDACReadSearch}
	}
	return id
}

// own hands the node its folder.
func (id identity) own(folder string) error {
	if id.credential == nil {
		return nil
	}
	return filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	})
}

// permitted asks whether this process holds a capability: root of a container
// may not.
func permitted(capability uint) bool {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "CapPrm:"); ok {
			mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return err == nil && mask&(1<<capability) != 0
		}
	}
	return false
}
