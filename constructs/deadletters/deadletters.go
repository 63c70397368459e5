// Package deadletters makes the queue that holds what could not be delivered
// to a function, or what a function failed at, for two weeks.
package deadletters

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/opensearch-dr/osdr/constructs/nag"
)

// New queue: encrypted, reached over TLS only. Its ARN.
func New(scope constructs.Construct, id, name string) string {
	queue := awssqs.NewQueue(scope, &id, &awssqs.QueueProps{
		QueueName: &name, Encryption: awssqs.QueueEncryption_SQS_MANAGED, EnforceSSL: new(true),
		RetentionPeriod: awscdk.Duration_Days(new(14.0)),
	})
	nag.Suppress(queue, nag.Suppression{Rule: "AwsSolutions-SQS3", Reason: "it is the dead-letter queue itself"})
	return *queue.QueueArn()
}
