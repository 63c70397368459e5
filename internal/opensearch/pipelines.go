package opensearch

import (
	"cmp"
	"context"
	"slices"
)

// pipelines by id, as the cluster state has them.
type pipelines struct {
	Pipeline []struct {
		ID string `json:"id"`
	} `json:"pipeline"`
}

func (p pipelines) lacks(id string) bool {
	if id == "" || id == "_none" {
		return false
	}
	for _, there := range p.Pipeline {
		if there.ID == id {
			return false
		}
	}
	return true
}

// MissingPipelines asks for one part of the cluster state, for all indexes at once.
func (c *Client) MissingPipelines(ctx context.Context) ([]MissingPipeline, error) {
	var state struct {
		Metadata struct {
			Ingest  pipelines `json:"ingest"`
			Search  pipelines `json:"search_pipeline"`
			Indices map[string]struct {
				Settings struct {
					Index struct {
						Default string `json:"default_pipeline"`
						Final   string `json:"final_pipeline"`
						Search  struct {
							Default string `json:"default_pipeline"`
						} `json:"search"`
					} `json:"index"`
				} `json:"settings"`
			} `json:"indices"`
		} `json:"metadata"`
	}
	const path = "/_cluster/state/metadata?expand_wildcards=all&filter_path=metadata.ingest.pipeline.id,metadata.search_pipeline.pipeline.id," +
		"metadata.indices.*.settings.index.default_pipeline,metadata.indices.*.settings.index.final_pipeline,metadata.indices.*.settings.index.search.default_pipeline"
	if err := c.get(ctx, "look for missing pipelines", path, &state); err != nil {
		return nil, err
	}
	var list []MissingPipeline
	for name, i := range state.Metadata.Indices {
		s := i.Settings.Index
		for _, x := range []struct {
			setting, id string
			of          pipelines
		}{
			{"index.default_pipeline", s.Default, state.Metadata.Ingest}, {"index.final_pipeline", s.Final, state.Metadata.Ingest},
			{"index.search.default_pipeline", s.Search.Default, state.Metadata.Search},
		} {
			if x.of.lacks(x.id) {
				list = append(list, MissingPipeline{Index: name, Setting: x.setting, Pipeline: x.id})
			}
		}
	}
	slices.SortFunc(list, func(a, b MissingPipeline) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Setting, b.Setting))
	})
	return list, nil
}

// scripts that are stored: the engine lists them nowhere else.
func (c *Client) scripts(ctx context.Context) (rawMap, error) {
	var state struct {
		Metadata struct {
			Scripts rawMap `json:"stored_scripts"`
		} `json:"metadata"`
	}
	err := c.get(ctx, "read stored scripts", "/_cluster/state/metadata?filter_path=metadata.stored_scripts", &state)
	return state.Metadata.Scripts, err
}
