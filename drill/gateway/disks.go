package gateway

import (
	"net/http"
	"strings"
)

// SetDisk makes each node of a Region report a disk of so many bytes, as one with a
// small volume does; 0 is the disk of this machine. Nothing fills up by it.
func (g *Gateway) SetDisk(region string, bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.disks == nil {
		g.disks = map[string]int64{}
	}
	g.disks[region] = bytes
}

func (g *Gateway) disk(region string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.disks[region]
}

func readsDisks(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/_nodes/") && strings.Contains(r.URL.Path, "stats")
}

// withDisks of so many bytes in the file system of each node.
func withDisks(v any, bytes int64) any {
	all, _ := v.(map[string]any)
	nodes, _ := all["nodes"].(map[string]any)
	for _, n := range nodes {
		node, _ := n.(map[string]any)
		fs, _ := node["fs"].(map[string]any)
		if total, ok := fs["total"].(map[string]any); ok {
			total["total_in_bytes"] = bytes
		}
	}
	return v
}
