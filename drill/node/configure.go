package node

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opensearch-dr/osdr/drill/certs"
)

//go:embed config
var files embed.FS

// configure writes the node's config folder anew; data stays.
func configure(ctx context.Context, spec Spec, http, transport int) error {
	config := filepath.Join(spec.Folder, "config")
	if err := os.RemoveAll(config); err != nil {
		return err
	}
	for _, folder := range []string{"config/opensearch-security", "data", "logs", "tmp", "automated"} {
		if err := os.MkdirAll(filepath.Join(spec.Folder, folder), 0o755); err != nil {
			return err
		}
	}
	written := map[string][]byte{"opensearch.yml": settings(spec, http, transport)}
	for name, path := range map[string]string{"ca.pem": spec.Certs.CA, "node.pem": spec.Certs.Node, "node-key.pem": spec.Certs.NodeKey} {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		written[name] = b
	}
	// The plugin's own defaults for what the drill has no opinion on.
	defaults := filepath.Join(spec.Tools.OpenSearch.Home, "plugins/opensearch-security/config")
	entries, err := os.ReadDir(defaults)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		// whitelist.yml is the old name of allowlist.yml: both together are refused.
		if entry.Name() == "whitelist.yml" || filepath.Ext(entry.Name()) != ".yml" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(defaults, entry.Name()))
		if err != nil {
			return err
		}
		written["opensearch-security/"+entry.Name()] = b
	}
	own := map[string]string{
		"opensearch-security/config.yml": "config/security.yml",
		"opensearch-security/audit.yml":  "config/audit.yml",
		"log4j2.properties":              "config/log4j2.properties",
	}
	for name, from := range own {
		b, err := files.ReadFile(from)
		if err != nil {
			return err
		}
		written[name] = b
	}
	written["opensearch-security/internal_users.yml"] = []byte("_meta:\n  type: internalusers\n  config_version: 2\n")
	written["opensearch-security/roles_mapping.yml"] = mapping(spec.MasterARN)
	const roles = "opensearch-security/roles.yml"
	written[roles] = append(written[roles], serviceRole...)
	for name, text := range spec.Files {
		if !filepath.IsLocal(name) || written[name] != nil {
			return fmt.Errorf("config file %q is none that a node can be given", name)
		}
		written[name] = []byte(text)
	}
	for name, b := range written {
		path := filepath.Join(config, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			return err
		}
	}
	return keystore(ctx, spec, config)
}

// mapping gives the master user what the managed service gives it: all_access.
// There is no user but those the gateway names.
func mapping(masterARN string) []byte {
	return fmt.Appendf(nil, `_meta:
  type: rolesmapping
  config_version: 2
all_access:
  reserved: false
  backend_roles: [%[1]s]
security_manager:
  reserved: false
  backend_roles: [%[1]s]
`+serviceMapping, quoted(masterARN))
}

// quoted for YAML, of which JSON strings are a part.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(b)
}

// settings of the engine. Every S3 request goes to the proxy in plain HTTP, with
// AWS's own names in it, so that the unmodified repository body works.
// auto_create_index stays the default.
func settings(spec Spec, http, transport int) []byte {
	proxyHost, proxyPort, _ := strings.Cut(spec.S3Proxy, ":")
	lines := []string{
		"cluster.name: " + quoted(spec.Name),
		"node.name: " + quoted(spec.Name),
		"path.data: " + quoted(filepath.Join(spec.Folder, "data")),
		"path.logs: " + quoted(filepath.Join(spec.Folder, "logs")),
		"path.repo: [" + quoted(spec.Automated()) + "]",
		"network.host: 127.0.0.1",
		fmt.Sprintf("http.port: %d", http),
		fmt.Sprintf("transport.port: %d", transport),
		"discovery.type: single-node",
		// A full laptop disk must not make indexes read-only. A scenario switches the
		// threshold on by the service's own user, as a setting of the cluster.
		"cluster.routing.allocation.disk.threshold_enabled: false",
		"s3.client.default.region: " + quoted(spec.Region),
		"s3.client.default.path_style_access: true",
		"s3.client.default.protocol: http",
		"plugins.security.ssl.transport.pemcert_filepath: node.pem",
		"plugins.security.ssl.transport.pemkey_filepath: node-key.pem",
		"plugins.security.ssl.transport.pemtrustedcas_filepath: ca.pem",
		"plugins.security.ssl.transport.enforce_hostname_verification: false",
		"plugins.security.ssl.http.enabled: false",
		"plugins.security.allow_default_init_securityindex: true",
		"plugins.security.nodes_dn: [" + quoted(certs.NodeDN) + "]",
		`plugins.security.restapi.roles_enabled: ["all_access", "security_rest_api_access"]`,
		"plugins.security.audit.type: noop",
	}
	if spec.S3Proxy != "" {
		lines = append(lines,
			"s3.client.default.proxy.type: http",
			"s3.client.default.proxy.host: "+quoted(proxyHost),
			"s3.client.default.proxy.port: "+proxyPort)
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Settings)) {
		lines = append(lines, name+": "+quoted(spec.Settings[name]))
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

// keystore takes the S3 keys: in opensearch.yml they are refused.
func keystore(ctx context.Context, spec Spec, config string) error {
	engine := spec.Tools.OpenSearch
	cmd := exec.CommandContext(ctx, spec.Tools.Java(),
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto",
		"-cp", engine.Keystore+string(os.PathListSeparator)+filepath.Join(engine.Home, "lib", "*"), "MakeKeystore", config)
	cmd.Stdin = strings.NewReader("s3.client.default.access_key=" + spec.AccessKey + "\ns3.client.default.secret_key=" + spec.SecretKey + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("write keystore: %w\n%s", err, out)
	}
	return nil
}

// arguments start the engine as its own script would, with a JVM that starts
// fast: the first compiler level and the serial collector are 4 s and 150 MB
// less on two cores.
func arguments(spec Spec) []string {
	temp := filepath.Join(spec.Folder, "tmp")
	args := []string{
		"-Xms" + spec.Heap, "-Xmx" + spec.Heap,
		"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-OmitStackTraceInFastThrow",
		"-XX:ErrorFile=" + filepath.Join(spec.Folder, "logs", "hs_err_pid%p.log"),
		"-Djava.io.tmpdir=" + temp, "-Djna.tmpdir=" + temp, "-Djna.nosys=true",
		"-Djava.awt.headless=true", "-Dfile.encoding=UTF-8",
		"-Dio.netty.noUnsafe=true", "-Dio.netty.noKeySetOptimization=true",
		"-Dio.netty.recycler.maxCapacityPerThread=0", "-Dio.netty.allocator.numDirectArenas=0",
		"-Dlog4j.shutdownHookEnabled=false", "-Dlog4j2.disable.jmx=true",
		"--enable-native-access=ALL-UNNAMED",
		"-Dopensearch.networkaddress.cache.ttl=60", "-Dopensearch.networkaddress.cache.negative.ttl=10",
		"-Dopensearch.path.home=" + spec.Tools.OpenSearch.Home,
		"-Dopensearch.path.conf=" + filepath.Join(spec.Folder, "config"),
		"-Dopensearch.distribution.type=tar", "-Dopensearch.bundled_jdk=false",
	}
	if strings.HasPrefix(spec.Tools.OpenSearch.Version, "2.") {
		args = append(args, "-Djava.security.manager=allow") // 2.x installs one
	}
	return append(args, "-cp", filepath.Join(spec.Tools.OpenSearch.Home, "lib", "*"), "org.opensearch.bootstrap.OpenSearch")
}
