package embedded

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// stampAppendTime makes the broker give every batch the time of its append, as
// a Kafka topic with message.timestamp.type=LogAppendTime does. kfake stores
// that setting and ignores it, and its retention drops everything up to the
// last batch whose time is too old: one message that carries the time of an old
// event would take the whole log before it along.
func stampAppendTime(cluster *kfake.Cluster) {
	observe(cluster, kmsg.Produce, func(request kmsg.Request) {
		produce, ok := request.(*kmsg.ProduceRequest)
		if !ok {
			return
		}
		now := time.Now().UnixMilli()
		for _, topic := range produce.Topics {
			for _, partition := range topic.Partitions {
				stampBatch(partition.Records, now)
			}
		}
	})
}

// observe lets a function see every request of a kind before the broker does, and change it.
//
// A control function is normally dropped only once it handles a request, and
// then keeps the last request of every connection that ever was. Each call
// therefore replaces itself.
func observe(cluster *kfake.Cluster, key kmsg.Key, see func(kmsg.Request)) {
	intercept(cluster, key, func(request kmsg.Request) kmsg.Response {
		see(request)
		return nil
	})
}

// intercept is observe where what is seen may be answered at once; nil leaves the answer to the broker.
func intercept(cluster *kfake.Cluster, key kmsg.Key, answer func(kmsg.Request) kmsg.Response) {
	var control func(kmsg.Request) (kmsg.Response, error, bool)
	//nolint:unparam // the results are those of a control function
	control = func(request kmsg.Request) (kmsg.Response, error, bool) {
		response := answer(request)
		cluster.DropControl()
		cluster.ControlKey(int16(key), control)
		return response, nil, response != nil
	}
	cluster.ControlKey(int16(key), control)
}

// Positions in the header of a record batch, version 2, as the Kafka protocol
// guide lists them. The checksum covers everything from the attributes on.
const (
	batchMagicAt      = 16
	batchCRCAt        = 17
	batchAttributesAt = 21
	batchFirstTimeAt  = 27
	batchMaxTimeAt    = 35
	batchHeaderSize   = 61
)

// stampBatch moves all times of a batch so that the latest one is now, in
// milliseconds since 1970. The distances within the batch stay, as they are
// stored in the records, which may be compressed. What is not a sound batch of
// version 2 is left for the broker to refuse.
func stampBatch(batch []byte, now int64) {
	if len(batch) < batchHeaderSize || batch[batchMagicAt] != 2 {
		return
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	covered := batch[batchAttributesAt:]
	if binary.BigEndian.Uint32(batch[batchCRCAt:]) != crc32.Checksum(covered, table) {
		return
	}
	first := int64(binary.BigEndian.Uint64(batch[batchFirstTimeAt:]))
	latest := int64(binary.BigEndian.Uint64(batch[batchMaxTimeAt:]))
	binary.BigEndian.PutUint64(batch[batchFirstTimeAt:], uint64(now-(latest-first)))
	binary.BigEndian.PutUint64(batch[batchMaxTimeAt:], uint64(now))
	binary.BigEndian.PutUint32(batch[batchCRCAt:], crc32.Checksum(covered, table))
}
