package awsclients

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

// OperatorConfig is for a person's own credentials: whatever Region their shell
// names, or fallback when it names none. Each client says its Region itself.
func OperatorConfig(ctx context.Context, fallback string) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithLogger(logging.Nop{}), // all that matters is in the errors
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attemptTimeout)))
	if err != nil {
		return cfg, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = fallback
	}
	// Without credentials every Region would look lost.
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return cfg, fmt.Errorf("find AWS credentials: %w; log in, or set AWS_PROFILE", err)
	}
	return cfg, nil
}

// Account of the credentials. All Regions are asked at once, and the first answer
// is taken, so that none of them needs to be there.
func Account(ctx context.Context, cfg aws.Config, regions []string) (string, error) {
	if len(regions) == 0 {
		return "", errors.New("find the account: no Region to ask; give -c dr.account=<12 digits>")
	}
	type answer struct {
		account string
		err     error
	}
	answers := make(chan answer, len(regions))
	for _, region := range regions {
		go func() {
			out, err := sts.NewFromConfig(cfg, func(o *sts.Options) { o.Region = region }).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if err != nil {
				answers <- answer{err: err}
				return
			}
			answers <- answer{account: aws.ToString(out.Account)}
		}()
	}
	var failed []error
	for range regions {
		a := <-answers
		if a.err == nil {
			return a.account, nil
		}
		failed = append(failed, a.err)
	}
	return "", fmt.Errorf("find the account of these credentials: %w; log in, or give -c dr.account=<12 digits>", errors.Join(failed...))
}
