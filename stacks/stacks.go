// Package stacks wires the stacks of one deployment. What each Region holds is
// a function of the flag and the kind of standby; the stacks share names and no
// references, so that each can be deployed while the other Region is gone
// (F22), and their order follows the flag: everything of the active Region,
// then the traffic, then the other Region.
package stacks

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/opensearch-dr/osdr/internal/config"
	"github.com/opensearch-dr/osdr/internal/contract"
)

// Variables of every stack.
type Variables struct {
	Config *config.App
	Names  contract.Names
	// Settings of the functions, encoded.
	Settings string
	// Assets is the folder of the built functions, absolute.
	Assets string
}

// New stacks of the deployment, in their order.
func New(app awscdk.App, cfg *config.App, assets string) error {
	settings, err := cfg.Settings().Encode()
	if err != nil {
		return err
	}
	vars := Variables{Config: cfg, Names: cfg.Names(), Settings: settings, Assets: assets}

	var order []awscdk.Stack
	region := func(r string) error {
		if r == cfg.UnreachableRegion {
			return nil
		}
		foundation, err := newFoundation(app, vars, r)
		if err != nil {
			return fmt.Errorf("foundation of %s: %w", r, err)
		}
		domain, err := newDomain(app, vars, r)
		if err != nil {
			return fmt.Errorf("domain of %s: %w", r, err)
		}
		recovery, err := newRecovery(app, vars, r)
		if err != nil {
			return fmt.Errorf("recovery of %s: %w", r, err)
		}
		order = append(order, foundation, domain, recovery)
		return nil
	}
	if err := region(cfg.ActiveRegion); err != nil {
		return err
	}
	if cfg.ControlRegion != cfg.UnreachableRegion {
		traffic, err := newTraffic(app, vars)
		if err != nil {
			return fmt.Errorf("traffic: %w", err)
		}
		order = append(order, traffic)
	}
	if err := region(cfg.Other(cfg.ActiveRegion)); err != nil {
		return err
	}
	for i := 1; i < len(order); i++ {
		order[i].AddStackDependency(order[i-1], new("the flag's order: active Region, traffic, other Region"))
	}
	return nil
}

// stack of one Region.
func (v Variables) stack(app awscdk.App, name, region, description string, holdsData bool) awscdk.Stack {
	return awscdk.NewStack(app, &name, &awscdk.StackProps{
		StackName: &name, Description: &description,
		Env:                   &awscdk.Environment{Account: &v.Config.Account, Region: &region},
		TerminationProtection: &holdsData,
	})
}

// wish of this deployment, as a question of region's stacks states it.
func (v Variables) wish(region string) contract.WishProperties {
	return contract.WishProperties{
		Region: region, ActiveRegion: v.Config.ActiveRegion, Explicit: fmt.Sprint(v.Config.Explicit),
		SwitchFrom: v.Config.SwitchFrom, UnreachableRegion: v.Config.UnreachableRegion,
	}
}
