// Command app is the CDK app: cdk.json's context to a checked configuration to
// stacks. The CDK CLI runs it, by `make -s app`.
package main

import (
	"os"

	"github.com/opensearch-dr/osdr/stacks"
)

func main() { os.Exit(stacks.Run(os.Stderr)) }
