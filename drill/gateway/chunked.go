package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// chunkedReader decodes an aws-chunked body, signed or not, with or without a
// trailer. The chunks' signatures are the node's and end here; what follows the
// last chunk (a checksum) is read and dropped.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
type chunkedReader struct {
	in   *bufio.Reader
	left int64 // of the chunk
	err  error
}

func newChunkedReader(r io.Reader) *chunkedReader {
	return &chunkedReader{in: bufio.NewReaderSize(r, 64<<10)}
}

func (c *chunkedReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if c.left == 0 {
		if c.err = c.next(); c.err != nil {
			return 0, c.err
		}
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.in.Read(p)
	c.left -= int64(n)
	if err == nil && c.left == 0 {
		err = c.lineEnd()
	}
	c.err = midway(err)
	return n, c.err
}

// next reads a chunk's head; io.EOF after the last chunk and its trailer.
func (c *chunkedReader) next() error {
	head, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(head, ";")
	if c.left, err = strconv.ParseInt(size, 16, 64); err != nil || c.left < 0 {
		return fmt.Errorf("aws-chunked body: %q is no chunk size", size)
	}
	if c.left > 0 {
		return nil
	}
	for {
		trailer, err := c.in.ReadString('\n')
		if err == io.EOF || err == nil && strings.TrimRight(trailer, "\r\n") == "" {
			return io.EOF // some clients leave out the last empty line
		}
		if err != nil {
			return err
		}
	}
}

func (c *chunkedReader) line() (string, error) {
	s, err := c.in.ReadString('\n')
	return strings.TrimRight(s, "\r\n"), midway(err)
}

func (c *chunkedReader) lineEnd() error {
	rest, err := c.line()
	if err == nil && rest != "" {
		err = fmt.Errorf("aws-chunked body: a chunk is longer than it says")
	}
	return err
}

// midway: the end of the input inside the body is a truncated body.
func midway(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
