// Package certificate makes the certificate of the custom endpoint in one
// Region, validated through the public zone, and writes its ARN where the
// domain stack of the same Region finds it: the ARN is random, and an export
// would tie the two stacks together (F22).
package certificate

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
)

// Config of a certificate.
type Config struct {
	Record    string // the name it is for
	ZoneID    string
	Parameter string // SSM parameter that shall hold its ARN
}

// New certificate.
func New(scope constructs.Construct, id string, cfg Config) {
	parent := constructs.NewConstruct(scope, &id)
	certificate := awscertificatemanager.NewCfnCertificate(parent, new("Certificate"), &awscertificatemanager.CfnCertificateProps{
		DomainName: &cfg.Record, ValidationMethod: new("DNS"),
		DomainValidationOptions: &[]any{&awscertificatemanager.CfnCertificate_DomainValidationOptionProperty{
			DomainName: &cfg.Record, HostedZoneId: &cfg.ZoneID,
		}},
	})
	awsssm.NewCfnParameter(parent, new("Parameter"), &awsssm.CfnParameterProps{
		Name: &cfg.Parameter, Type: new("String"), Value: certificate.Ref(),
		Description: new("ARN of the certificate of " + cfg.Record),
	})
}
