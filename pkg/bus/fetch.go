package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// fetchBytes is how much is asked for at once. A partition holds three answers at most: one that is taken from, one
	// that waits, and one on its way.
	fetchBytes = 1 << 20
	// fetchWait is how long the broker waits for the first message.
	fetchWait = time.Second
	// fetchVersion of the request is the oldest that a broker must know (Kafka 0.11 to 4), and has all that is needed.
	fetchVersion = 4
	// mostAnswer is the longest answer that is believed: a single batch may be longer than what was asked for.
	mostAnswer = 256 << 20
	// readCommitted leaves out what a transaction has not committed yet; what it has aborted is left to the reader.
	readCommitted = 1
)

// fetcher asks the leader of one partition for messages. kafka-go has a reader too; it makes three objects of every header
// of every message, and takes the messages of aborted transactions for messages.
type fetcher struct {
	client    *kafka.Client
	dialTo    func(ctx context.Context, network, address string) (net.Conn, error)
	topic     string
	partition int

	log         logReader
	conn        net.Conn
	correlation int32
	// answer holds one answer of the broker at a time; what is read from it are copies.
	answer []byte
}

// fetched is what one answer holds.
type fetched struct {
	records   []Record
	highWater int64
	// next and skipped are those of the [logReader] after the answer.
	next, skipped int64
	err           error
}

// run fetches from the offset on and hands over answer after answer, one ahead of who takes them, until ctx ends or
// something fails.
func (f *fetcher) run(ctx context.Context, from int64, answers chan<- fetched) {
	f.log = logReader{next: from, skipped: -1}
	defer f.hangUp()
	for {
		a, err := f.fetch(ctx)
		if err != nil {
			a.err = fmt.Errorf("fetch: %w", err)
		}
		select {
		case <-ctx.Done():
			return
		case answers <- a:
		}
		if err != nil {
			return
		}
	}
}

// fetch asks once. The answer is empty where no message came for a while.
func (f *fetcher) fetch(ctx context.Context) (fetched, error) {
	if f.conn == nil {
		if err := f.dial(ctx); err != nil {
			return fetched{}, err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = f.conn.SetDeadline(time.Unix(1, 0)) }) // ends what waits on it
	defer stop()
	if err := f.ask(ctx); err != nil {
		return fetched{}, err
	}
	raw, err := f.hear()
	if err != nil {
		return fetched{}, err
	}
	res := kmsg.FetchResponse{Version: fetchVersion}
	if err := res.ReadFrom(raw); err != nil {
		return fetched{}, fmt.Errorf("read the answer: %w", err)
	}
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return fetched{}, errors.New("the answer is about something else")
	}
	p := &res.Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		return fetched{}, kafka.Error(p.ErrorCode)
	}
	records, err := f.log.read(p.RecordBatches, p.AbortedTransactions)
	return fetched{records: records, highWater: p.HighWatermark, next: f.log.next, skipped: f.log.skipped}, err
}

// ask sends the request.
func (f *fetcher) ask(ctx context.Context) error {
	req := kmsg.FetchRequest{
		Version: fetchVersion, ReplicaID: -1, MaxWaitMillis: int32(fetchWait.Milliseconds()), MinBytes: 1,
		MaxBytes: fetchBytes, IsolationLevel: readCommitted,
		Topics: []kmsg.FetchRequestTopic{{Topic: f.topic, Partitions: []kmsg.FetchRequestTopicPartition{{
			Partition: int32(f.partition), FetchOffset: f.log.next, CurrentLeaderEpoch: -1, PartitionMaxBytes: fetchBytes,
		}}}},
	}
	f.correlation++
	if err := f.conn.SetDeadline(time.Now().Add(fetchWait + 10*time.Second)); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err() // what ended it has set another deadline, perhaps before
	}
	_, err := f.conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID)).AppendRequest(nil, &req, f.correlation))
	return err
}

// hear reads the answer.
func (f *fetcher) hear() ([]byte, error) {
	var err error
	f.answer, err = readAnswer(f.conn, f.correlation, f.answer, mostAnswer)
	return f.answer, err
}

// dial connects to the leader of the partition.
func (f *fetcher) dial(ctx context.Context) error {
	res, err := f.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{f.topic}})
	if err != nil {
		return fmt.Errorf("ask for the leader: %w", err)
	}
	for _, t := range res.Topics {
		if t.Error != nil {
			return fmt.Errorf("ask for the leader: %w", t.Error)
		}
		for _, p := range t.Partitions {
			if p.ID != f.partition {
				continue
			}
			if p.Error != nil {
				return fmt.Errorf("ask for the leader: %w", p.Error)
			}
			address := net.JoinHostPort(p.Leader.Host, strconv.Itoa(p.Leader.Port))
			if f.conn, err = f.dialTo(ctx, "tcp", address); err != nil {
				return fmt.Errorf("connect to the leader: %w", err)
			}
			return nil
		}
	}
	return fmt.Errorf("ask for the leader: %w", kafka.UnknownTopicOrPartition)
}

func (f *fetcher) hangUp() {
	if f.conn != nil {
		_ = f.conn.Close() // it has nothing to lose
	}
}
