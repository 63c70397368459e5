package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/internal/drift"
)

// File that a report is written to as well, so that one run serves a person, code
// scanning and a test summary alike.
type File struct{ Format, Path string }

// Files of arguments "<format>=<path>".
func Files(args []string) ([]File, error) {
	var out []File
	for _, a := range args {
		format, path, ok := strings.Cut(a, "=")
		if !ok || path == "" || !slices.Contains(Formats, format) {
			return nil, fmt.Errorf("write the report: --report %q; allowed: <format>=<path>, a format being one of %s", a, strings.Join(Formats, ", "))
		}
		out = append(out, File{format, path})
	}
	return out, nil
}

// WriteAll writes the report to w in a format, and to the files.
func WriteAll(w io.Writer, format string, files []File, r drift.Report) error {
	for _, f := range files {
		var b bytes.Buffer
		if err := Write(&b, f.Format, r); err != nil {
			return fmt.Errorf("write the report as %s: %w", f.Format, err)
		}
		if err := os.WriteFile(f.Path, b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write the report as %s: %w", f.Format, err)
		}
	}
	return Write(w, format, r)
}
