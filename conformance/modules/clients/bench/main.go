// bench is measured beside the SDK: client-go's informers, controller-runtime's reconciler, and their work queues. What it
// is asked and what it says is told in bench/sdk-probe.mjs of this repository.
// usage: bench client-go|controller-runtime --kubeconfig FILE --namespace NAME --count N [--form json|protobuf]
//
//	bench queue --kind priority|client-go --count N
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const sentAt = "bench.example.com/sent-at"

func main() {
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "path of the kubeconfig")
	namespace := flags.String("namespace", "", "whose Pods are followed")
	count := flags.Int("count", 0, "how many there are; for queues, how many keys")
	form := flags.String("form", "json", "json or protobuf")
	kind := flags.String("kind", "priority", "of queue: priority or client-go")
	if len(os.Args) < 2 {
		fatal(fmt.Errorf("name client-go, controller-runtime or queue"))
	}
	_ = flags.Parse(os.Args[2:])
	if os.Args[1] == "queue" {
		queue(*kind, *count)
		return
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		fatal(err)
	}
	if *form == "protobuf" {
		config.ContentType = "application/vnd.kubernetes.protobuf"
		config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	} else {
		config.ContentType = "application/json"
		config.AcceptContentTypes = "application/json"
	}
	p := &probe{}
	go p.listen()
	switch os.Args[1] {
	case "client-go":
		err = clientGo(p, config, *namespace)
	case "controller-runtime":
		err = controllerRuntime(p, config, *namespace, *count)
	default:
		err = fmt.Errorf("no client %q", os.Args[1])
	}
	if err != nil {
		fatal(err)
	}
	say(map[string]any{"watching": true})
	select {}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func say(message any) {
	line, err := json.Marshal(message)
	if err != nil {
		fatal(err)
	}
	fmt.Println(string(line))
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func processorMs() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}

func peakMb() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); fields[0] == "VmHWM:" {
			kb, _ := strconv.Atoi(fields[1])
			return float64(kb) / 1024
		}
	}
	return 0
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// probe is what sdk-probe.mjs is in Node.
type probe struct {
	mutex     sync.Mutex
	from      time.Time
	processor float64
	before    uint64
	awaited   int
	came      int
	first     time.Time
	latencies []float64
}

func (p *probe) listen() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		p.mutex.Lock()
		p.awaited, _ = strconv.Atoi(strings.TrimPrefix(lines.Text(), "next "))
		p.came, p.latencies, p.processor = 0, []float64{}, processorMs()
		p.mutex.Unlock()
		say(map[string]any{"ready": true})
	}
	os.Exit(0)
}

func (p *probe) start() {
	p.before = heap()
	p.processor = processorMs()
	p.from = time.Now()
}

func (p *probe) synced(objects int) {
	ms := milliseconds(time.Since(p.from))
	spent := processorMs() - p.processor
	peak := peakMb()
	each := (float64(heap()) - float64(p.before)) / float64(objects)
	say(map[string]any{"synced": map[string]any{
		"objects": objects, "ms": ms, "processorMs": spent, "heapBytes": each, "peakMb": peak,
	}})
}

func (p *probe) changed(annotations map[string]string) {
	now := time.Now()
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.came == 0 {
		p.first = now
	}
	p.came++
	if sent, found := annotations[sentAt]; found {
		at, _ := strconv.ParseFloat(sent, 64)
		p.latencies = append(p.latencies, float64(now.UnixNano())/1e6-at/1e3)
	}
	if p.came == p.awaited {
		say(map[string]any{"events": map[string]any{
			"count": p.came, "ms": milliseconds(now.Sub(p.first)), "processorMs": processorMs() - p.processor,
			"peakMb": peakMb(), "latencies": p.latencies,
		}})
	}
}

func clientGo(p *probe, config *rest.Config, namespace string) error {
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(clients, 0, informers.WithNamespace(namespace))
	pods := factory.Core().V1().Pods().Informer()
	registration, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(_, pod any) { p.changed(pod.(*corev1.Pod).Annotations) },
	})
	if err != nil {
		return err
	}
	p.start()
	factory.Start(context.Background().Done())
	// It looks every 100 ms; this looks more often, so that it is not held against it.
	for !registration.HasSynced() {
		time.Sleep(time.Millisecond)
	}
	p.synced(len(pods.GetStore().ListKeys()))
	return nil
}

type reconciler struct {
	client.Client
	probe *probe
	first chan struct{}
	left  int
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var pod corev1.Pod
	if err := r.Get(ctx, request.NamespacedName, &pod); err != nil {
		return ctrl.Result{}, err
	}
	if r.left > 0 {
		r.left--
		if r.left == 0 {
			close(r.first)
		}
	} else {
		r.probe.changed(pod.Annotations)
	}
	return ctrl.Result{}, nil
}

func controllerRuntime(p *probe, config *rest.Config, namespace string, count int) error {
	ctrl.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Metrics: server.Options{BindAddress: "0"},
		Cache:   ctrlcache.Options{DefaultNamespaces: map[string]ctrlcache.Config{namespace: {}}},
	})
	if err != nil {
		return err
	}
	r := &reconciler{Client: manager.GetClient(), probe: p, first: make(chan struct{}), left: count}
	// One worker: what the reconciler counts needs no lock.
	err = ctrl.NewControllerManagedBy(manager).Named("bench").For(&corev1.Pod{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: 1}).Complete(r)
	if err != nil {
		return err
	}
	p.start()
	go func() {
		if err := manager.Start(context.Background()); err != nil {
			fatal(err)
		}
	}()
	<-r.first
	p.synced(count)
	return nil
}

// queue adds keys of three priorities in lots, every second one twice, takes all and says done.
func queue(kind string, count int) {
	const lot = 10_000
	keys := make([]string, lot)
	for i := range keys {
		keys[i] = fmt.Sprintf("ns-%d/object-%d", i%10, i)
	}
	priorities := []int{100, 0, -100}
	pq := priorityqueue.New[string]("bench")
	plain := workqueue.NewTyped[string]()
	round := func() {
		for i, key := range keys {
			for range 1 + i%2 {
				if kind == "priority" {
					pq.AddWithOpts(priorityqueue.AddOpts{Priority: &priorities[i%3]}, key)
				} else {
					plain.Add(key)
				}
			}
		}
		for range keys {
			if kind == "priority" {
				key, _, _ := pq.GetWithPriority()
				pq.Done(key)
			} else {
				key, _ := plain.Get()
				plain.Done(key)
			}
		}
	}
	for range 5 {
		round()
	}
	from, spent := time.Now(), processorMs()
	for range count / lot {
		round()
	}
	say(map[string]any{"queue": map[string]any{
		"keys": count, "ms": milliseconds(time.Since(from)), "processorMs": processorMs() - spent,
	}})
}
