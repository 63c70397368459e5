package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/opensearch-dr/osdr/drill/client"
)

// doc that a client writes, or deletes.
type doc struct {
	index   string // where the request names none
	id      string
	routing string
	create  bool // of a data stream
	deleted bool
	source  js
}

// some documents.
func some(n int) []doc {
	var docs []doc
	for i := range n {
		docs = append(docs, doc{id: fmt.Sprint(i + 1), source: js{"n": i + 1}})
	}
	return docs
}

// events of a data stream.
func events(n int) []doc {
	docs := some(n)
	for i := range docs {
		docs[i].create = true
		docs[i].source["@timestamp"] = time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC).Format(time.RFC3339)
	}
	return docs
}

// written is what a client was told is written: name that it reads by -> document ->
// content.
type written map[string]map[string]string

// documents on it.
func (s written) documents() int {
	n := 0
	for _, docs := range s {
		n += len(docs)
	}
	return n
}

// key of a document: documents of one id and several routings are several.
func key(id, routing string) string {
	if routing == "" {
		return id
	}
	return id + " of " + routing
}

// canonical form of a source: keys in order, numbers as they were written.
func canonical(source any) (string, error) {
	raw, ok := source.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = json.Marshal(source); err != nil {
			return "", err
		}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", err
	}
	out, err := json.Marshal(v)
	return string(out), err
}

// put a document as it was acknowledged.
func (s written) put(name string, d doc) error {
	if s[name] == nil {
		s[name] = map[string]string{}
	}
	if d.deleted {
		delete(s[name], key(d.id, d.routing))
		return nil
	}
	text, err := canonical(d.source)
	s[name][key(d.id, d.routing)] = text
	return err
}

// do one request by the name that clients know.
func (z *zoo) do(ctx context.Context, method, path string, body any) error {
	_, err := z.app.Do(ctx, method, path, body, nil)
	return err
}

func (z *zoo) create(ctx context.Context, index string, body js) error {
	return z.do(ctx, http.MethodPut, "/"+url.PathEscape(index), body)
}

// write documents by the name that they are read by.
func (z *zoo) write(ctx context.Context, name string, docs ...doc) error {
	return z.writeAs(ctx, name, name, docs...)
}

// writeAs writes by one name what is read by another.
func (z *zoo) writeAs(ctx context.Context, name, read string, docs ...doc) error {
	return z.send(ctx, z.app, z.want, name, read, docs...)
}

// send documents in one bulk, and note each that is acknowledged.
func (z *zoo) send(ctx context.Context, c *client.Client, to written, name, read string, docs ...doc) error {
	var lines []any
	for _, d := range docs {
		at := js{"_id": d.id, "_index": name}
		if name == "" {
			at["_index"] = d.index
		}
		if d.routing != "" {
			at["routing"] = d.routing
		}
		switch {
		case d.deleted:
			lines = append(lines, js{"delete": at})
		case d.create:
			lines = append(lines, js{"create": at}, d.source)
		default:
			lines = append(lines, js{"index": at}, d.source)
		}
	}
	var answer struct {
		Items []map[string]struct {
			Status int             `json:"status"`
			Error  json.RawMessage `json:"error"`
		} `json:"items"`
	}
	if err := c.Lines(ctx, "/_bulk?refresh=true", lines, &answer); err != nil {
		return err
	}
	if len(answer.Items) != len(docs) {
		return fmt.Errorf("the bulk of %d documents has %d answers", len(docs), len(answer.Items))
	}
	var faults []error
	for i, item := range answer.Items {
		for _, got := range item {
			if got.Status >= 300 {
				faults = append(faults, fmt.Errorf("write document %.40s: %w", docs[i].id, &client.StatusError{Status: got.Status, Body: string(got.Error)}))
				continue
			}
			faults = append(faults, to.put(read, docs[i]))
		}
	}
	return errors.Join(faults...)
}

// nodeFolder of the node that runs in the primary Region.
func (z *zoo) nodeFolder() (string, error) {
	found, err := filepath.Glob(filepath.Join(z.Cloud.Folder(), "nodes", Primary+"-"+z.Names.Domain()+"-*"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("the folder of the node in %s is one of %v: %w", Primary, found, errors.Join(err, os.ErrNotExist))
	}
	return found[0], nil
}

// putFile below the config folder of the source's node alone, as a custom package
// that is associated with one domain.
func (z *zoo) putFile(name, text string) error {
	folder, err := z.nodeFolder()
	if err != nil {
		return err
	}
	path := filepath.Join(folder, "config", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // the node runs as nobody
		return fmt.Errorf("give the node a file: %w", err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // the node runs as nobody
		return fmt.Errorf("give the node a file: %w", err)
	}
	return nil
}

// nodeName of the source's node.
func (z *zoo) nodeName(ctx context.Context) (string, error) {
	var got struct {
		Nodes map[string]struct {
			Name string `json:"name"`
		} `json:"nodes"`
	}
	if err := z.AsService(ctx, Primary, http.MethodGet, "/_nodes/_local", nil, &got); err != nil {
		return "", err
	}
	for _, n := range got.Nodes {
		return n.Name, nil
	}
	return "", errors.New("the node does not tell its name")
}
