package install

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// part is a module or plugin whose descriptor is in no jar.
type part struct{ folder, class, about string }

var parts = []part{
	{"modules/transport-netty4", "org.opensearch.transport.Netty4ModulePlugin", "Netty based transport"},
	{"modules/analysis-common", "org.opensearch.analysis.common.CommonAnalysisModulePlugin", "analyzers"},
	{"modules/reindex", "org.opensearch.index.reindex.ReindexModulePlugin", "reindex"},
	{"modules/lang-painless", "org.opensearch.painless.PainlessModulePlugin", "painless"},
	{"plugins/repository-s3", "org.opensearch.repositories.s3.S3RepositoryPlugin", "S3 repository"},
}

// clashes are jars the S3 plugin brings that the core brings too: jar hell,
// which the engine refuses to start with.
var clashes = []string{"jackson-core-*.jar", "jackson-dataformat-cbor-*.jar", "joda-time-*.jar"}

// descriptor says version 3.4.0 of repository-s3 3.3.2 too: 3.4.0 of it is not
// published, and the engine loads only its own version.
func (p part) descriptor() []byte {
	return fmt.Appendf(nil, `description=%s
version=%s
name=%s
classname=%s
java.version=21
opensearch.version=%[2]s
has.native.controller=false
extended.plugins=
`, p.about, openSearchVersion, filepath.Base(p.folder), p.class)
}

// extended matches the security plugin's parents, of which rule-framework is
// not published. What of it is needed the pom brings.
var extended = regexp.MustCompile(`(?m)^extended\.plugins=.*$`)

// layout finishes a home that Maven laid out. The engine's own sandbox (a Java
// agent) is not there, so no part needs a security policy.
func layout(home string) error {
	// bin must exist, though nothing is in it.
	for _, folder := range []string{"bin", "config", "extensions", "agent"} {
		if err := os.MkdirAll(filepath.Join(home, folder), 0o755); err != nil {
			return fmt.Errorf("lay OpenSearch out: %w", err)
		}
	}
	for _, p := range parts {
		if err := os.WriteFile(filepath.Join(home, p.folder, "plugin-descriptor.properties"), p.descriptor(), 0o644); err != nil {
			return fmt.Errorf("lay OpenSearch out: %w", err)
		}
	}
	for _, pattern := range clashes {
		found, err := filepath.Glob(filepath.Join(home, "plugins/repository-s3", pattern))
		if err != nil {
			return err
		}
		for _, jar := range found {
			if err := os.Remove(jar); err != nil {
				return fmt.Errorf("lay OpenSearch out: %w", err)
			}
		}
	}
	security := filepath.Join(home, "plugins/opensearch-security/plugin-descriptor.properties")
	b, err := os.ReadFile(security)
	if err != nil {
		return fmt.Errorf("lay OpenSearch out: %w", err)
	}
	b = extended.ReplaceAll(b, []byte("extended.plugins="))
	return os.WriteFile(security, b, 0o644)
}

// layoutInput is what a change of layout changes, for the stamp.
func layoutInput() []byte {
	var b bytes.Buffer
	for _, p := range parts {
		b.WriteString(p.folder)
		b.Write(p.descriptor())
	}
	fmt.Fprint(&b, clashes)
	return b.Bytes()
}
