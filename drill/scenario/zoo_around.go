package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/opensearch-dr/osdr/drill/client"
)

// streams of documents that are written once.
func streams() []thing {
	template := func(ctx context.Context, z *zoo, name string, more js) error {
		t := settings(js{"number_of_shards": 1})
		for k, v := range more {
			t[k] = v
		}
		return z.do(ctx, http.MethodPut, "/_index_template/"+name, js{"index_patterns": []string{name + "*"}, "data_stream": js{}, "template": t})
	}
	return []thing{
		{name: "data stream whose template has an alias", index: "zoo-metrics", fate: restored, stream: true, seed: func(ctx context.Context, z *zoo) error {
			if err := template(ctx, z, "zoo-metrics", js{"aliases": js{"zoo-all-metrics": js{}}}); err != nil {
				return err
			}
			if err := z.write(ctx, "zoo-metrics", events(3)...); err != nil {
				return err
			}
			return z.do(ctx, http.MethodPost, "/zoo-metrics/_rollover", nil)
		}, told: true, check: func(ctx context.Context, z *zoo, c *client.Client) error {
			// The engine gives a stream's alias to new backing indexes alone. A person is
			// told so, and what makes one that has it.
			if _, err := c.Do(ctx, http.MethodPost, "/zoo-metrics/_rollover", nil, nil); err != nil {
				return err
			}
			return hits("zoo-all-metrics", js{"match_all": js{}}, 0)(ctx, z, c)
		}},
		{name: "data stream that rolls over during a snapshot", index: rollingStream, fate: restored, stream: true, seed: func(ctx context.Context, z *zoo) error {
			if err := template(ctx, z, rollingStream, nil); err != nil {
				return err
			}
			return z.write(ctx, rollingStream, events(5)...)
		}},
		{name: "data stream with a timestamp of its own name", index: "zoo-clock", fate: restored, stream: true, seed: func(ctx context.Context, z *zoo) error {
			if err := z.do(ctx, http.MethodPut, "/_index_template/zoo-clock", js{"index_patterns": []string{"zoo-clock"}, "data_stream": js{"timestamp_field": js{"name": "at"}}, "template": settings(js{})}); err != nil {
				return err
			}
			return z.write(ctx, "zoo-clock", doc{id: "1", create: true, source: js{"at": "2026-01-01T00:00:00Z", "@timestamp": "2026-01-01T00:00:00Z"}})
		}},
	}
}

// rollOver the stream several times while a snapshot runs, with documents between.
func (z *zoo) rollOver(ctx context.Context) error {
	for i := range 3 {
		d := doc{id: fmt.Sprintf("late-%d", i), create: true, source: js{"@timestamp": time.Now().UTC().Format(time.RFC3339Nano), "n": i}}
		if err := z.send(ctx, z.app, z.maybe, rollingStream, rollingStream, d); err != nil {
			return err
		}
		if err := z.do(ctx, http.MethodPost, "/"+rollingStream+"/_rollover", nil); err != nil {
			return err
		}
	}
	return nil
}

// moveAlias from the old index to one that the running snapshot does not have.
func (z *zoo) moveAlias(ctx context.Context) error {
	if err := z.create(ctx, laterShop, settings(js{})); err != nil {
		return err
	}
	if err := z.send(ctx, z.app, z.maybe, laterShop, laterShop, some(2)...); err != nil {
		return err
	}
	return z.do(ctx, http.MethodPost, "/_aliases", js{"actions": []js{
		{"remove": js{"index": "zoo-shop-1", "alias": "zoo-shop"}}, {"add": js{"index": laterShop, "alias": "zoo-shop"}}}})
}

// aliased are read and written by other names than their own.
func aliased() []thing {
	return []thing{
		plain("alias that moves to another index during a snapshot", "zoo-shop-1", js{"settings": js{"number_of_replicas": 0}, "aliases": js{"zoo-shop": js{}}}).set(func(t *thing) {
			t.writes = "zoo-shop"
			// Automatic creation never takes the alias's name.
			t.check = func(ctx context.Context, z *zoo, c *client.Client) error {
				return z.isNoIndex(ctx, c, "zoo-shop")
			}
		}),
		{name: "write alias with a rollover", index: "zoo-write-000002", reads: []string{"zoo-write"}, writes: "zoo-write", fate: restored, seed: func(ctx context.Context, z *zoo) error {
			if err := z.create(ctx, "zoo-write-000001", js{"settings": js{"number_of_replicas": 0}, "aliases": js{"zoo-write": js{"is_write_index": true}}}); err != nil {
				return err
			}
			if err := z.write(ctx, "zoo-write", some(2)...); err != nil {
				return err
			}
			if err := z.do(ctx, http.MethodPost, "/zoo-write/_rollover", js{"settings": js{"index.number_of_replicas": 0}}); err != nil {
				return err
			}
			return z.write(ctx, "zoo-write", doc{id: "3", source: js{"n": 3}})
		}},
		plain("filtered alias", "zoo-filtered", js{"settings": js{"number_of_replicas": 0}, "aliases": js{"zoo-one": js{"filter": js{"term": js{"n": 1}}}}}).set(func(t *thing) {
			t.check = hits("zoo-one", js{"match_all": js{}}, 1)
		}),
		plain("alias with routing", "zoo-route-alias", js{"settings": js{"number_of_replicas": 0, "number_of_shards": 2}, "aliases": js{"zoo-by-route": js{"routing": "7"}}}).set(func(t *thing) {
			t.writes, t.routing = "zoo-by-route", "7"
		}),
		plain("hidden alias of several indexes", "zoo-several-1", js{"settings": js{"number_of_replicas": 0}, "aliases": js{"zoo-several": js{"is_hidden": true}}}).then(func(ctx context.Context, z *zoo) error {
			if err := z.create(ctx, "zoo-several-2", js{"settings": js{"number_of_replicas": 0}, "aliases": js{"zoo-several": js{"is_hidden": true}}}); err != nil {
				return err
			}
			return z.write(ctx, "zoo-several-2", some(2)...)
		}).set(func(t *thing) {
			t.reads, t.check = []string{"zoo-several-1", "zoo-several-2"}, hits("zoo-several", js{"match_all": js{}}, 5)
		}),
	}
}

// around are what no snapshot carries: templates, pipelines, scripts, roles, settings.
func around() []thing {
	object := func(name, path string, body js, fields ...string) thing {
		return thing{name: name, fate: restored, writes: "-", seed: func(ctx context.Context, z *zoo) error { return z.do(ctx, http.MethodPut, path, body) },
			check: shows(path, fields...)}
	}
	legacy, composable := js{"index_patterns": []string{"zoo-both-*"}, "order": 1, "settings": js{"index.number_of_replicas": "0"}, "mappings": js{"properties": js{"legacy": js{"type": "keyword"}}}},
		js{"index_patterns": []string{"zoo-both-*"}, "priority": 7, "composed_of": []string{"zoo-part"}, "template": js{"mappings": js{"properties": js{"composable": js{"type": "keyword"}}}}}
	return []thing{
		object("component template", "/_component_template/zoo-part", js{"template": settings(js{})}, "zoo-part"),
		object("legacy template that a composable one overlaps", "/_template/zoo-legacy", legacy, "zoo-both-*", "legacy"),
		object("composable template that overlaps a legacy one", "/_index_template/zoo-composable", composable, "zoo-both-*", "zoo-part", "composable"),
		{name: "index of overlapping templates", index: "zoo-both-1", fate: restored, seed: func(ctx context.Context, z *zoo) error { return z.write(ctx, "zoo-both-1", some(2)...) }},
		object("stored script", "/_scripts/zoo-tag", js{"script": js{"lang": "painless", "source": "ctx.seen = true"}}, "ctx.seen"),
		object("ingest pipeline", "/_ingest/pipeline/zoo-pipeline", js{"description": "of the zoo", "processors": []js{}}, "of the zoo"),
		plain("index with a default and a final pipeline", "zoo-ingest", settings(js{"index.default_pipeline": "zoo-pipeline", "index.final_pipeline": "zoo-pipeline"})),
		object("action group", "/_plugins/_security/api/actiongroups/zoo_read", js{"allowed_actions": []string{"indices:data/read/*"}}, "indices:data/read/*"),
		object("role of that action group", "/_plugins/_security/api/roles/zoo_reader", js{"index_permissions": []js{{"index_patterns": []string{"zoo-nested"}, "allowed_actions": []string{"zoo_read"}}}}, "zoo_read"),
		object("mapping of that role", "/_plugins/_security/api/rolesmapping/zoo_reader", js{"backend_roles": []string{"arn:aws:iam::000000000000:role/zoo"}}, "role/zoo"),
		{name: "cluster setting: automatic creation", fate: restored, writes: "-", seed: func(ctx context.Context, z *zoo) error {
			return z.do(ctx, http.MethodPut, "/_cluster/settings", js{"persistent": js{"action.auto_create_index": "-zoo-forbidden*,+*"}})
		}, check: shows("/_cluster/settings?flat_settings=true", "-zoo-forbidden*,+*")},
		{name: "index that automatic creation forbids", fate: restored, writes: "-", check: func(ctx context.Context, z *zoo, c *client.Client) error {
			_, err := c.Do(ctx, http.MethodPut, "/zoo-forbidden/_doc/1", js{}, nil)
			if client.Status(err) != http.StatusNotFound {
				return fmt.Errorf("a write that must make no index answered %v", err) //nolint:errorlint // nil where it was let through
			}
			return nil
		}},
	}
}

// setting of an index is what it was; empty: it is not set.
func setting(index, key, want string) func(context.Context, *zoo, *client.Client) error {
	return func(ctx context.Context, z *zoo, c *client.Client) error {
		var got map[string]struct {
			Settings map[string]any `json:"settings"`
		}
		if _, err := c.Do(ctx, http.MethodGet, "/"+index+"/_settings?flat_settings=true", nil, &got); err != nil {
			return err
		}
		have, _ := got[index].Settings[key].(string)
		if have != want {
			return fmt.Errorf("%s is %q, not %q", key, have, want)
		}
		return nil
	}
}

// hits of a query by a name.
func hits(name string, query js, atLeast int) func(context.Context, *zoo, *client.Client) error {
	return func(ctx context.Context, z *zoo, c *client.Client) error {
		var got struct {
			Count int `json:"count"`
		}
		if _, err := c.Do(ctx, http.MethodPost, "/"+name+"/_count", js{"query": query}, &got); err != nil {
			return err
		}
		if got.Count < atLeast {
			return fmt.Errorf("%s finds %d documents, not %d", name, got.Count, atLeast)
		}
		return nil
	}
}

// shows each of the texts in the answer.
func shows(path string, texts ...string) func(context.Context, *zoo, *client.Client) error {
	return func(ctx context.Context, z *zoo, c *client.Client) error {
		var got any
		if _, err := c.Do(ctx, http.MethodGet, path, nil, &got); err != nil {
			return err
		}
		for _, text := range texts {
			if !mentions(got, text) {
				return fmt.Errorf("GET %s has no %q", path, text)
			}
		}
		return nil
	}
}

// isNoIndex: no client made an index of an alias's name.
func (z *zoo) isNoIndex(ctx context.Context, c *client.Client, name string) error {
	var got map[string]any
	if _, err := c.Do(ctx, http.MethodGet, "/"+name+"/_settings", nil, &got); err != nil {
		return fmt.Errorf("the alias is gone: %w", err)
	}
	if _, is := got[name]; is {
		return errors.New("it is an index now, and the alias can never come back")
	}
	return nil
}
