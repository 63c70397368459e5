package command

import (
	"encoding/json"
	"io"

	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/drift/permit"
)

// Place of an installation, as its policy needs it.
func Place(app *config.App) permit.Place {
	return permit.Place{
		Names: app.Names(), Regions: app.Regions(), Control: app.ControlRegion, ZoneID: app.DNS.ZoneID, Encrypted: app.Encryption == "kms",
	}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
