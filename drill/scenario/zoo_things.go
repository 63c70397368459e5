package scenario

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/opensearch-dr/osdr/drill/client"
)

// fate that a thing must have after the failover.
type fate string

const (
	restored fate = "restored"
	unplaced fate = "unplaced" // in the recovery point; the other domain cannot hold it
	nowhere  fate = "no-point" // in no recovery point; its own domain is the only one that has it
)

// thing of the zoo.
type thing struct {
	name string
	seed func(context.Context, *zoo) error
	fate fate
	// index or data stream that people are shown; empty where it is none.
	index string
	// reads are the names that its documents are read by; empty: index.
	reads []string
	// writes by this name; empty: index; "-" none. An index that refuses answers the
	// status refuses.
	writes  string
	refuses int
	// told: a person must be told something of it.
	told bool
	// open makes it readable, and answers how to shut it again.
	open func(context.Context, *client.Client) (shut func() error, err error)
	// check what is no document.
	check   func(context.Context, *zoo, *client.Client) error
	routing string // of a write
	stream  bool
}

// Names that several parts of the play know.
const (
	redIndex      = "zoo-red"
	metadataIndex = "zoo-block-metadata"
	laterShop     = "zoo-shop-2" // made while the last snapshot runs
	rollingStream = "zoo-rolls"
	lastSeeded    = "zoo-small-099"
	smallOnes     = 100
)

// js is a JSON object.
type js = map[string]any

// plain index of some documents, with a body of its own.
func plain(name, index string, body js) thing {
	return thing{name: name, index: index, fate: restored, seed: func(ctx context.Context, z *zoo) error {
		if err := z.create(ctx, index, body); err != nil {
			return err
		}
		return z.write(ctx, index, some(3)...)
	}}
}

// set in a thing.
func (t thing) set(change func(*thing)) thing {
	change(&t)
	return t
}

// then seeds more of a thing.
func (t thing) then(more func(context.Context, *zoo) error) thing {
	first := t.seed
	t.seed = func(ctx context.Context, z *zoo) error {
		if err := first(ctx, z); err != nil {
			return err
		}
		return more(ctx, z)
	}
	return t
}

func settings(s js) js {
	s["number_of_replicas"] = 0
	return js{"settings": s}
}

// mapped index without replicas.
func mapped(properties js) js {
	return js{"settings": js{"number_of_replicas": 0}, "mappings": js{"properties": properties}}
}

// things of the zoo, in the order that they are made.
func things() []thing {
	return slices.Concat(unplaceable(), blocked(), shaped(), named(), streams(), aliased(), around(), many())
}

// unplaceable are those that need what only their old domain has.
func unplaceable() []thing {
	told := func(t *thing) { t.told = true }
	behind := func(t *thing) { t.told, t.fate = true, unplaced }
	synonyms := js{"settings": js{"number_of_replicas": 0, "analysis": js{
		"filter":   js{"s": js{"type": "synonym", "synonyms_path": "analysis/zoo.txt"}},
		"analyzer": js{"a": js{"tokenizer": "standard", "filter": []string{"lowercase", "s"}}}}},
		"mappings": js{"properties": js{"t": js{"type": "text", "analyzer": "a"}}}}
	sorted := mapped(js{"n": js{"type": "integer"}})
	sorted["settings"].(js)["index.sort.field"], sorted["settings"].(js)["index.sort.order"] = "n", "desc"
	files := plain("synonyms file that only the source has", "zoo-synonyms", synonyms).set(behind)
	seed := files.seed
	files.seed = func(ctx context.Context, z *zoo) error {
		if err := z.putFile("analysis/zoo.txt", "tv, television\n"); err != nil {
			return err
		}
		return seed(ctx, z)
	}
	return []thing{
		plain("index sorting, on 3.4.0", "zoo-sorted", sorted).set(behind),
		files,
		plain("1100 replicas, by a raised shard limit", "zoo-wide", js{"settings": js{"number_of_replicas": 0}}).set(told).then(func(ctx context.Context, z *zoo) error {
			if err := z.do(ctx, http.MethodPut, "/_cluster/settings", js{"persistent": js{"cluster.max_shards_per_node": "3000"}}); err != nil {
				return err
			}
			return z.do(ctx, http.MethodPut, "/zoo-wide/_settings", js{"index.number_of_replicas": 1100})
		}),
		{name: "pinned to a node of the source by its name", index: "zoo-pinned", fate: restored, told: true, seed: func(ctx context.Context, z *zoo) error {
			name, err := z.nodeName(ctx)
			if err != nil {
				return err
			}
			if err := z.create(ctx, "zoo-pinned", settings(js{"index.routing.allocation.require._name": name})); err != nil {
				return err
			}
			return z.write(ctx, "zoo-pinned", some(3)...)
		}},
		// The service hides the addresses of its nodes: nothing can say who meets it.
		plain("allocation filter by address", "zoo-filtered-node", settings(js{"index.routing.allocation.include._ip": "127.*"})).set(told),
		plain("total_shards_per_node", "zoo-spread", settings(js{"index.routing.allocation.total_shards_per_node": 1})).set(func(t *thing) {
			t.check = setting("zoo-spread", "index.routing.allocation.total_shards_per_node", "1")
		}),
		{name: "red: its only shard has no node", index: redIndex, fate: nowhere, told: true, writes: "-", seed: func(ctx context.Context, z *zoo) error {
			return z.do(ctx, http.MethodPut, "/"+redIndex+"?wait_for_active_shards=0&timeout=5s", settings(js{"index.routing.allocation.require._name": "nowhere"}))
		}},
	}
}

// blocked in each way, before the point.
func blocked() []thing {
	by := func(name, block string, refuses int) thing {
		return plain("block: "+block, name, settings(js{})).then(func(ctx context.Context, z *zoo) error {
			return z.do(ctx, http.MethodPut, "/"+name+"/_settings", js{"index.blocks." + block: true})
		}).set(func(t *thing) {
			t.refuses, t.check = refuses, setting(name, "index.blocks."+block, "true")
		})
	}
	lift := func(index, block string) func(context.Context, *client.Client) (func() error, error) {
		return func(ctx context.Context, c *client.Client) (func() error, error) {
			_, err := c.Do(ctx, http.MethodPut, "/"+index+"/_settings", js{"index.blocks." + block: nil}, nil)
			return func() error {
				_, err := c.Do(ctx, http.MethodPut, "/"+index+"/_settings", js{"index.blocks." + block: true}, nil)
				return err
			}, err
		}
	}
	return []thing{
		by("zoo-block-read", "read", 0).set(func(t *thing) { t.open = lift("zoo-block-read", "read") }),
		by("zoo-block-write", "write", http.StatusForbidden),
		by("zoo-block-read-only", "read_only", http.StatusForbidden),
		by(metadataIndex, "metadata", 0).set(func(t *thing) { t.fate, t.told, t.check, t.writes = nowhere, true, nil, "-" }),
		// The source's disk was full. Its block is not the index's.
		by("zoo-flooded", "read_only_allow_delete", 0).set(func(t *thing) {
			t.told, t.check = true, setting("zoo-flooded", "index.blocks.read_only_allow_delete", "")
		}),
		by("zoo-z-after-flooded", "read_only_allow_delete", 0).set(func(t *thing) {
			t.name, t.told, t.check = "block: read_only_allow_delete, a second one", true, nil
		}),
		plain("closed", "zoo-closed", settings(js{})).then(func(ctx context.Context, z *zoo) error {
			return z.do(ctx, http.MethodPost, "/zoo-closed/_close", nil)
		}).set(func(t *thing) {
			t.refuses = http.StatusBadRequest
			t.open = func(ctx context.Context, c *client.Client) (func() error, error) {
				_, err := c.Do(ctx, http.MethodPost, "/zoo-closed/_open", nil, nil)
				return func() error {
					_, err := c.Do(ctx, http.MethodPost, "/zoo-closed/_close", nil, nil)
					return err
				}, err
			}
		}),
	}
}

// shaped are indexes whose documents are not the usual ones.
func shaped() []thing {
	deep := js{}
	for i := range 900 {
		deep[fmt.Sprintf("field_%03d", i)] = js{"type": "keyword"}
	}
	seeds := func(name, index string, body js, docs ...doc) thing {
		return thing{name: name, index: index, fate: restored, seed: func(ctx context.Context, z *zoo) error {
			if err := z.create(ctx, index, body); err != nil {
				return err
			}
			return z.write(ctx, index, docs...)
		}}
	}
	return []thing{
		{name: "empty", index: "zoo-empty", fate: restored, seed: func(ctx context.Context, z *zoo) error { return z.create(ctx, "zoo-empty", settings(js{})) }},
		seeds("nested documents", "zoo-nested", mapped(js{"of": js{"type": "nested", "properties": js{"n": js{"type": "integer"}}}}),
			doc{id: "1", source: js{"of": []js{{"n": 1}, {"n": 2}}}}, doc{id: "2", source: js{"of": []js{{"n": 3}}}}),
		seeds("routing required, three shards", "zoo-routed", js{"settings": js{"number_of_replicas": 0, "number_of_shards": 3}, "mappings": js{"_routing": js{"required": true}}},
			doc{id: "1", routing: "a", source: js{"n": 1}}, doc{id: "1", routing: "b", source: js{"n": 2}}, doc{id: "2", routing: "c", source: js{"n": 3}}).set(func(t *thing) { t.routing = "a" }),
		seeds("children beside their parent by routing", "zoo-family", settings(js{"number_of_shards": 2}),
			doc{id: "parent", source: js{"n": 1}}, doc{id: "child-1", routing: "parent", source: js{"n": 2}}, doc{id: "child-2", routing: "parent", source: js{"n": 3}}),
		seeds("routed to a partition of shards", "zoo-partition", js{"settings": js{"number_of_replicas": 0, "number_of_shards": 4, "index.routing_partition_size": 2}, "mappings": js{"_routing": js{"required": true}}},
			doc{id: "1", routing: "a", source: js{"n": 1}}, doc{id: "2", routing: "a", source: js{"n": 2}}).set(func(t *thing) { t.routing = "a" }),
		seeds("strict mapping", "zoo-strict", js{"settings": js{"number_of_replicas": 0}, "mappings": js{"dynamic": "strict", "properties": js{"n": js{"type": "long"}}}}, some(2)...),
		seeds("900 fields", "zoo-fields", mapped(deep), doc{id: "1", source: js{"field_000": "a", "field_899": "z"}}),
		seeds("dates, places, ranges, addresses, bytes", "zoo-types", mapped(js{
			"d": js{"type": "date_nanos"}, "p": js{"type": "geo_point"}, "r": js{"type": "integer_range"}, "a": js{"type": "ip"}, "b": js{"type": "binary"}, "f": js{"type": "flat_object"}}),
			doc{id: "1", source: js{"d": "2026-01-01T00:00:00.123456789Z", "p": "40.7,-74", "r": js{"gte": 1, "lt": 5}, "a": "2001:db8::1", "b": "b3NkcgA=", "f": js{"x": js{"y": 1}}}}),
		seeds("numbers that a float64 does not hold", "zoo-numbers", mapped(js{"u": js{"type": "unsigned_long"}, "l": js{"type": "long"}}),
			doc{id: "1", source: js{"u": uint64(18446744073709551615), "l": int64(-9223372036854775808)}}),
		seeds("one document of 1 MB", "zoo-large", mapped(js{"t": js{"type": "text", "index": false}}), doc{id: "1", source: js{"t": strings.Repeat("osdr ", 200_000)}}),
		seeds("ids with odd characters", "zoo-ids", settings(js{}),
			doc{id: "a/b", source: js{"n": 1}}, doc{id: "ä ö", source: js{"n": 2}}, doc{id: "100%", source: js{"n": 3}}, doc{id: strings.Repeat("x", 512), source: js{"n": 4}}, doc{id: "日", source: js{"n": 5}}),
		seeds("custom analyzer", "zoo-analyzer", js{"settings": js{"number_of_replicas": 0, "analysis": js{
			"filter":   js{"stops": js{"type": "stop", "stopwords": []string{"der", "die"}}},
			"analyzer": js{"own": js{"type": "custom", "tokenizer": "standard", "filter": []string{"lowercase", "stops"}}}}},
			"mappings": js{"properties": js{"t": js{"type": "text", "analyzer": "own"}}}}, doc{id: "1", source: js{"t": "Die Katze"}}).set(func(t *thing) {
			t.check = hits("zoo-analyzer", js{"match": js{"t": "KATZE der"}}, 1)
		}),
		seeds("best_compression, hidden, refreshed never", "zoo-hidden", settings(js{"index.codec": "best_compression", "index.hidden": true, "index.refresh_interval": "-1"}), some(2)...).set(func(t *thing) {
			t.check = setting("zoo-hidden", "index.hidden", "true")
		}),
		plain("updates and deletes", "zoo-changed", settings(js{})).then(func(ctx context.Context, z *zoo) error {
			return z.write(ctx, "zoo-changed", doc{id: "1", source: js{"n": 1000}}, doc{id: "2", deleted: true}, doc{id: "9", source: js{"n": 9}}, doc{id: "9", deleted: true})
		}),
		plain("deleted and made again", "zoo-again", mapped(js{"n": js{"type": "integer"}})).then(func(ctx context.Context, z *zoo) error {
			if err := z.do(ctx, http.MethodDelete, "/zoo-again", nil); err != nil {
				return err
			}
			delete(z.want, "zoo-again")
			if err := z.create(ctx, "zoo-again", mapped(js{"n": js{"type": "keyword"}})); err != nil {
				return err
			}
			return z.write(ctx, "zoo-again", doc{id: "2", source: js{"n": "another"}})
		}),
		plain("one replica more than there are nodes", "zoo-yellow", js{"settings": js{"number_of_replicas": 1}}),
		plain("replicas by the number of nodes", "zoo-expand", js{"settings": js{"auto_expand_replicas": "0-all"}}).set(func(t *thing) {
			t.check = setting("zoo-expand", "index.auto_expand_replicas", "0-all")
		}),
	}
}

// named are names that a person would not choose.
func named() []thing {
	var all []thing
	for about, name := range map[string]string{
		"250 bytes": "zoo-" + strings.Repeat("a", 246), "79 CJK characters and two digits": strings.Repeat("日", 79) + "01",
		"79 CJK characters, a second one": strings.Repeat("日", 79) + "02", "79 CJK characters, a third one": strings.Repeat("日", 79) + "03",
		"a plus": "zoo-a+b", "a per cent sign": "zoo-100%", "an at": "zoo-x@y", "a parameter": "zoo-k=v;w", "umlauts": "zoo-größe", "a tilde and brackets": "zoo-~(1)[2]{3}",
		"like an option": "zoo--c", "dots": "zoo.a..b", "an ampersand and an apostrophe": "zoo-a&b'c", "a dollar and backtick": "zoo-$`x",
		"like the engine's inventory": ".opensearch-inventory", "like a plugin's": ".plugins-zoo", "like a data source's": ".ql-zoo", "like an old plugin's": ".opendistro-zoo", "hidden by its dot": ".zoo",
	} {
		all = append(all, thing{name: "name: " + about, index: name, fate: restored, seed: func(ctx context.Context, z *zoo) error { return z.write(ctx, name, some(2)...) }})
	}
	slices.SortFunc(all, func(a, b thing) int { return strings.Compare(a.name, b.name) })
	today := "zoo-day-" + time.Now().UTC().Format("2006.01.02")
	return append(all, thing{name: "name: date math, resolved when it was written", index: today, fate: restored, writes: "-", seed: func(ctx context.Context, z *zoo) error {
		return z.writeAs(ctx, "<zoo-day-{now/d}>", today, some(2)...)
	}})
}

// many small ones, made by one bulk.
func many() []thing {
	return []thing{{name: fmt.Sprintf("%d small ones by one bulk", smallOnes), reads: []string{"zoo-small-*"}, writes: lastSeeded, fate: restored, seed: func(ctx context.Context, z *zoo) error {
		if err := z.do(ctx, http.MethodPut, "/_index_template/zoo-small", js{"index_patterns": []string{"zoo-small-*"}, "template": settings(js{"number_of_shards": 1})}); err != nil {
			return err
		}
		var docs []doc
		for i := range smallOnes {
			docs = append(docs, doc{index: fmt.Sprintf("zoo-small-%03d", i), id: fmt.Sprint(i), source: js{"n": i}})
		}
		return z.writeAs(ctx, "", "zoo-small-*", docs...)
	}}}
}
