package install

import (
	"context"
	"os"
	"path/filepath"
)

// cache keeps the package managers' downloads inside the one folder too.
func cache(dir, name string) string { return filepath.Join(dir, "cache", name) }

func pythonStep(python, dir string) step {
	venv := filepath.Join(dir, "python")
	return step{
		name:   "python",
		title:  "emulator, cfn-lint and xmlschema (Python)",
		inputs: [][]byte{source("requirements.txt"), []byte(python)},
		result: filepath.Join(venv, "bin", "python"),
		folder: venv,
		cache:  cache(dir, "pip"),
		run: func(ctx context.Context) error {
			if err := os.RemoveAll(venv); err != nil {
				return err
			}
			if err := command(ctx, dir, nil, python, "-m", "venv", venv); err != nil {
				return err
			}
			if err := write(venv, "requirements.txt"); err != nil {
				return err
			}
			env := []string{"PIP_CACHE_DIR=" + cache(dir, "pip"), "PIP_DISABLE_PIP_VERSION_CHECK=1"}
			// --no-deps: the list is whole, so that nothing unpinned comes along.
			return command(ctx, dir, env, filepath.Join(venv, "bin", "python"),
				"-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "-r", filepath.Join(venv, "requirements.txt"))
		},
	}
}

func npmStep(npm, dir string) step {
	folder := filepath.Join(dir, "npm")
	files := []string{"npm/package.json", "npm/package-lock.json"}
	return step{
		name:   "npm",
		title:  "cdk command line, AWS SDK for the CDK's own functions, data sets (npm)",
		inputs: [][]byte{source(files[0]), source(files[1])},
		result: filepath.Join(folder, "node_modules", "aws-cdk", "bin", "cdk"),
		folder: folder,
		cache:  cache(dir, "npm"),
		run: func(ctx context.Context) error {
			if err := write(folder, files...); err != nil {
				return err
			}
			return command(ctx, folder, []string{"npm_config_cache=" + cache(dir, "npm")}, npm,
				"ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
		},
	}
}

func keystoreStep(jdk string, engine OpenSearch) step {
	class := filepath.Join(engine.Keystore, "MakeKeystore.class")
	return step{
		name:   "keystore",
		title:  "OpenSearch " + engine.Version + " keystore tool",
		inputs: [][]byte{source("opensearch/MakeKeystore.java"), []byte(engine.Version), []byte(engine.Home), []byte(jdk)},
		result: class,
		folder: engine.Keystore,
		run: func(ctx context.Context) error {
			if err := write(engine.Keystore, "opensearch/MakeKeystore.java"); err != nil {
				return err
			}
			return command(ctx, engine.Keystore, nil, filepath.Join(jdk, "bin", "javac"),
				"-cp", filepath.Join(engine.Home, "lib", "*"), "-d", engine.Keystore, "MakeKeystore.java")
		},
	}
}
