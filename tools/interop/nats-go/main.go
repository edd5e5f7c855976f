// nats.go against a running server: `go run . nats://127.0.0.1:4222`. Prints one line a fact; exit status 1 on the first that fails.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func check(ok bool, format string, args ...any) {
	if !ok {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
		os.Exit(1)
	}
}

func core(nc *nats.Conn) {
	sub, err := nc.SubscribeSync("go.core.*")
	must(err, "subscribe")
	msg := nats.NewMsg("go.core.a")
	msg.Data = []byte("one")
	msg.Header.Set("K", "v")
	must(nc.PublishMsg(msg), "publish")
	got, err := sub.NextMsg(2 * time.Second)
	must(err, "next")
	check(string(got.Data) == "one" && got.Header.Get("K") == "v", "got %v", got)
	fmt.Println("publish, wildcards, headers")

	var counts [2]atomic.Int64
	for i := range counts {
		_, err := nc.QueueSubscribe("go.queue", "q", func(*nats.Msg) { counts[i].Add(1) })
		must(err, "queue subscribe")
	}
	for range 200 {
		must(nc.Publish("go.queue", nil), "publish")
	}
	must(nc.Flush(), "flush")
	for i := 0; i < 100 && counts[0].Load()+counts[1].Load() < 200; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	check(counts[0].Load()+counts[1].Load() == 200 && counts[0].Load() > 0 && counts[1].Load() > 0, "queue counts %d %d", counts[0].Load(), counts[1].Load())
	fmt.Println("queue groups")

	_, err = nc.Subscribe("go.service", func(m *nats.Msg) { _ = m.Respond(append([]byte("re:"), m.Data...)) })
	must(err, "service")
	reply, err := nc.Request("go.service", []byte("x"), 2*time.Second)
	must(err, "request")
	check(string(reply.Data) == "re:x", "reply %q", reply.Data)
	_, err = nc.Request("go.nobody", nil, 2*time.Second)
	check(errors.Is(err, nats.ErrNoResponders), "expected no responders, got %v", err)
	fmt.Println("request, no responders")
}

func streams(ctx context.Context, js jetstream.JetStream) {
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "GO", Subjects: []string{"go-js.>"}, Storage: jetstream.FileStorage})
	must(err, "create stream")
	for i := range 100 {
		ack, err := js.Publish(ctx, "go-js.a", fmt.Appendf(nil, "%d", i), jetstream.WithMsgID(fmt.Sprintf("id-%d", i)))
		must(err, "publish")
		check(ack.Sequence == uint64(i+1), "sequence %d", ack.Sequence)
	}
	ack, err := js.Publish(ctx, "go-js.a", nil, jetstream.WithMsgID("id-5"))
	must(err, "publish duplicate")
	check(ack.Duplicate && ack.Sequence == 6, "duplicate %+v", ack)
	_, err = js.Publish(ctx, "go-js.a", nil, jetstream.WithExpectLastSequence(7))
	check(err != nil, "a wrong expected sequence was accepted")
	fmt.Println("publish with acknowledgement, duplicates, expectations")

	consumer, err := stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: "go-worker", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Second})
	must(err, "create consumer")
	batch, err := consumer.Fetch(10, jetstream.FetchMaxWait(2*time.Second))
	must(err, "fetch")
	index := 0
	for msg := range batch.Messages() {
		check(string(msg.Data()) == fmt.Sprint(index), "message %d is %q", index, msg.Data())
		switch index {
		case 7:
			must(msg.Nak(), "nak")
		case 8:
			must(msg.Term(), "term")
		case 9:
			must(msg.InProgress(), "in progress")
		default:
			must(msg.DoubleAck(ctx), "ack")
		}
		index++
	}
	check(index == 10, "fetched %d", index)
	must(js.Conn().Flush(), "flush")
	time.Sleep(200 * time.Millisecond) // acknowledgements without a reply may be worked off after a pull
	msg, err := consumer.Next(jetstream.FetchMaxWait(2 * time.Second))
	must(err, "next")
	meta, err := msg.Metadata()
	must(err, "metadata")
	check(string(msg.Data()) == "7" && meta.NumDelivered == 2, "redelivered %q %d", msg.Data(), meta.NumDelivered)
	must(msg.DoubleAck(ctx), "ack")
	time.Sleep(1300 * time.Millisecond)
	msg, err = consumer.Next(jetstream.FetchMaxWait(2 * time.Second))
	must(err, "next")
	check(string(msg.Data()) == "9", "redelivered %q", msg.Data())
	must(msg.DoubleAck(ctx), "ack")
	fmt.Println("pull, ack, nak, term, in progress, redelivery")

	var seen atomic.Int64
	running, err := consumer.Consume(func(m jetstream.Msg) {
		_ = m.Ack()
		seen.Add(1)
	})
	must(err, "consume")
	for i := 0; i < 300 && seen.Load() < 90; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	running.Stop()
	check(seen.Load() == 90, "consumed %d of 90", seen.Load())
	info, err := stream.Info(ctx)
	must(err, "info")
	check(info.State.Msgs == 100 && info.State.LastSeq == 100, "state %+v", info.State)
	must(stream.Purge(ctx, jetstream.WithPurgeKeep(3)), "purge")
	info, err = stream.Info(ctx)
	must(err, "info")
	check(info.State.Msgs == 3 && info.State.FirstSeq == 98, "state after purge %+v", info.State)
	must(js.DeleteStream(ctx, "GO"), "delete")
	fmt.Println("consume, infos, purge, delete")

	kv, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "GOKV", History: 5})
	must(err, "create bucket")
	revision, err := kv.Create(ctx, "a", []byte("1"))
	must(err, "create key")
	_, err = kv.Update(ctx, "a", []byte("2"), revision)
	must(err, "update key")
	_, err = kv.Create(ctx, "a", nil)
	check(errors.Is(err, jetstream.ErrKeyExists), "expected key exists, got %v", err)
	keys, err := kv.Keys(ctx)
	must(err, "keys")
	check(len(keys) == 1 && keys[0] == "a", "keys %v", keys)
	must(js.DeleteKeyValue(ctx, "GOKV"), "delete bucket")
	fmt.Println("key-value bucket")
}

func main() {
	nc, err := nats.Connect(os.Args[1])
	must(err, "connect")
	core(nc)
	js, err := jetstream.New(nc)
	must(err, "jetstream")
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	streams(ctx, js)
	must(nc.Drain(), "drain")
}
