package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// openSearchVersion of the assembly; the pom pins the same.
const openSearchVersion = "3.4.0"

// assemblyStep lays an OpenSearch home out of published binaries: Maven brings
// the jars, layout writes what is in none of them.
func assemblyStep(maven, dir string) step {
	folder := filepath.Join(dir, "opensearch")
	home := filepath.Join(folder, "home")
	return step{
		name:   "opensearch",
		title:  "OpenSearch " + openSearchVersion + " (Maven)",
		inputs: [][]byte{source("opensearch/pom.xml"), layoutInput()},
		result: filepath.Join(home, "plugins", "opensearch-security", "plugin-descriptor.properties"),
		folder: folder,
		cache:  cache(dir, "maven"),
		run: func(ctx context.Context) error {
			// The plugin's unpack markers lie in the build folder: all or nothing.
			if err := os.RemoveAll(folder); err != nil {
				return err
			}
			if err := write(folder, "opensearch/pom.xml"); err != nil {
				return err
			}
			if err := command(ctx, folder, nil, maven, "-q", "-B", "-Dmaven.repo.local="+cache(dir, "maven"), "process-resources"); err != nil {
				return err
			}
			made := filepath.Join(folder, "target", "home")
			if err := layout(made); err != nil {
				return err
			}
			return os.Rename(made, home)
		},
	}
}

var coreJar = regexp.MustCompile(`^opensearch-(\d+\.\d+\.\d+)\.jar$`)

// checkOfficial says which version an official distribution is, and refuses
// one that lacks a plugin the drill needs.
func checkOfficial(home string) (version string, err error) {
	entries, err := os.ReadDir(filepath.Join(home, "lib"))
	if err != nil {
		return "", fmt.Errorf("OPENSEARCH_HOME is no OpenSearch distribution: %w", err)
	}
	for _, entry := range entries {
		if match := coreJar.FindStringSubmatch(entry.Name()); match != nil {
			version = match[1]
		}
	}
	if version == "" {
		return "", fmt.Errorf("OPENSEARCH_HOME is no OpenSearch distribution: no opensearch-<version>.jar in %s", filepath.Join(home, "lib"))
	}
	for _, plugin := range []string{"opensearch-security", "repository-s3"} {
		if _, err := os.Stat(filepath.Join(home, "plugins", plugin, "plugin-descriptor.properties")); err != nil {
			return "", fmt.Errorf("OPENSEARCH_HOME lacks the plugin %s: install it with `bin/opensearch-plugin install %s`, or unset OPENSEARCH_HOME to let the drill assemble its own", plugin, plugin)
		}
	}
	return version, nil
}
