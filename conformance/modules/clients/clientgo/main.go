// clientgo talks to a cluster as programs written with client-go do, protobuf first, and says step by step what held.
// usage: clientgo --kubeconfig FILE
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	applyapps "k8s.io/client-go/applyconfigurations/apps/v1"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	applymeta "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/retry"
)

const namespace = "clientgo"

type program struct {
	config *rest.Config
	client kubernetes.Interface
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "path of the kubeconfig")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	config.QPS, config.Burst = 200, 200
	p := &program{config: config, client: kubernetes.NewForConfigOrDie(config)}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	steps := []struct {
		name string
		run  func(context.Context) error
	}{
		{"create a namespace and objects", p.create},
		{"list in pages", p.pages},
		{"update, and be refused with an old version", p.update},
		{"patch in three ways", p.patch},
		{"apply server-side, with a conflict and by force", p.apply},
		{"watch", p.watch},
		{"keep an informer, its streamed list and its events", p.informer},
		{"read metadata only", p.metadata},
		{"use a custom resource by the dynamic client", p.dynamic},
		{"elect a leader and hand over", p.elect},
		{"delete a collection and the namespace", p.remove},
	}
	failed := false
	for _, step := range steps {
		result := map[string]string{"step": step.name}
		if err := step.run(ctx); err != nil {
			failed = true
			result["error"] = err.Error()
		}
		line, _ := json.Marshal(result)
		fmt.Println(string(line))
	}
	if failed {
		os.Exit(1)
	}
}

func (p *program) create(ctx context.Context) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := p.client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		return err
	}
	for i := range 25 {
		cm := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("c%02d", i), Labels: map[string]string{"half": fmt.Sprint(i % 2)}},
			Data:       map[string]string{"n": fmt.Sprint(i)},
			BinaryData: map[string][]byte{"b": {0, 1, 2, byte(i)}},
		}
		made, err := p.client.CoreV1().ConfigMaps(namespace).Create(ctx, cm, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		if made.UID == "" || made.ResourceVersion == "" || made.BinaryData["b"][3] != byte(i) {
			return fmt.Errorf("made: %+v", made)
		}
	}
	_, err := p.client.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c00"}}, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("made twice: %v", err)
	}
	_, err = p.client.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "No_Name"}}, metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) {
		return fmt.Errorf("an invalid name: %v", err)
	}
	return nil
}

func (p *program) pages(ctx context.Context) error {
	seen := map[string]bool{}
	token, version := "", ""
	for page := 0; ; page++ {
		list, err := p.client.CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{Limit: 7, Continue: token, LabelSelector: "half"})
		if err != nil {
			return err
		}
		if version != "" && version != list.ResourceVersion {
			return fmt.Errorf("page %d is of version %s, not %s", page, list.ResourceVersion, version)
		}
		version = list.ResourceVersion
		for _, item := range list.Items {
			seen[item.Name] = true
		}
		if token = list.Continue; token == "" {
			break
		}
	}
	if len(seen) != 25 {
		return fmt.Errorf("%d of 25", len(seen))
	}
	half, err := p.client.CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{LabelSelector: "half=1", FieldSelector: "metadata.name!=c01"})
	if err == nil && len(half.Items) != 11 {
		err = fmt.Errorf("%d of 11 by selectors", len(half.Items))
	}
	return err
}

func (p *program) update(ctx context.Context) error {
	maps := p.client.CoreV1().ConfigMaps(namespace)
	old, err := maps.Get(ctx, "c01", metav1.GetOptions{})
	if err != nil {
		return err
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		now, err := maps.Get(ctx, "c01", metav1.GetOptions{})
		if err != nil {
			return err
		}
		now.Data["n"] = "new"
		_, err = maps.Update(ctx, now, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	old.Data["n"] = "late"
	if _, err = maps.Update(ctx, old, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		return fmt.Errorf("no conflict: %v", err)
	}
	return nil
}

func (p *program) patch(ctx context.Context) error {
	maps := p.client.CoreV1().ConfigMaps(namespace)
	for kind, body := range map[types.PatchType]string{
		types.JSONPatchType:           `[{"op":"add","path":"/data/json","value":"1"}]`,
		types.MergePatchType:          `{"data":{"merge":"1","n":null}}`,
		types.StrategicMergePatchType: `{"data":{"strategic":"1"}}`,
	} {
		if _, err := maps.Patch(ctx, "c02", kind, []byte(body), metav1.PatchOptions{}); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	now, err := maps.Get(ctx, "c02", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if len(now.Data) != 3 || now.Data["n"] != "" {
		return fmt.Errorf("patched: %v", now.Data)
	}
	return nil
}

func deployment(replicas int32, image string) *applyapps.DeploymentApplyConfiguration {
	labels := map[string]string{"app": "web"}
	return applyapps.Deployment("web", namespace).WithSpec(applyapps.DeploymentSpec().
		WithReplicas(replicas).
		WithSelector(applymeta.LabelSelector().WithMatchLabels(labels)).
		WithTemplate(applycore.PodTemplateSpec().WithLabels(labels).WithSpec(applycore.PodSpec().WithContainers(
			applycore.Container().WithName("web").WithImage(image),
		))))
}

func (p *program) apply(ctx context.Context) error {
	deployments := p.client.AppsV1().Deployments(namespace)
	made, err := deployments.Apply(ctx, deployment(2, "example.com/web:1"), metav1.ApplyOptions{FieldManager: "one"})
	if err != nil {
		return err
	}
	if len(made.ManagedFields) == 0 || made.ManagedFields[0].Manager != "one" {
		return fmt.Errorf("owners: %+v", made.ManagedFields)
	}
	_, err = deployments.Apply(ctx, deployment(3, "example.com/web:1"), metav1.ApplyOptions{FieldManager: "two"})
	if !apierrors.IsConflict(err) {
		return fmt.Errorf("no conflict: %v", err)
	}
	forced, err := deployments.Apply(ctx, deployment(3, "example.com/web:1"), metav1.ApplyOptions{FieldManager: "two", Force: true})
	if err != nil {
		return err
	}
	if *forced.Spec.Replicas != 3 {
		return fmt.Errorf("%d replicas", *forced.Spec.Replicas)
	}
	mine, err := applyapps.ExtractDeployment(forced, "one")
	if err != nil {
		return err
	}
	if mine.Spec.Replicas != nil {
		return errors.New("the first manager still owns spec.replicas")
	}
	return nil
}

func (p *program) watch(ctx context.Context) error {
	maps := p.client.CoreV1().ConfigMaps(namespace)
	list, err := maps.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	watching, err := maps.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion, LabelSelector: "watched=yes"})
	if err != nil {
		return err
	}
	defer watching.Stop()
	for _, label := range []string{"yes", "no"} {
		body := fmt.Sprintf(`{"metadata":{"labels":{"watched":%q}}}`, label)
		if _, err := maps.Patch(ctx, "c03", types.MergePatchType, []byte(body), metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	for _, expected := range []watch.EventType{watch.Added, watch.Deleted} {
		select {
		case event := <-watching.ResultChan():
			if event.Type != expected || event.Object.(*corev1.ConfigMap).Name != "c03" {
				return fmt.Errorf("%s instead of %s: %v", event.Type, expected, event.Object)
			}
		case <-time.After(10 * time.Second):
			return fmt.Errorf("no %s", expected)
		}
	}
	return nil
}

func (p *program) informer(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	factory := informers.NewSharedInformerFactoryWithOptions(p.client, 0, informers.WithNamespace(namespace))
	informer := factory.Core().V1().ConfigMaps().Informer()
	var added, updated, deleted atomic.Int32
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { added.Add(1) },
		UpdateFunc: func(any, any) { updated.Add(1) },
		DeleteFunc: func(any) { deleted.Add(1) },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return errors.New("not in step")
	}
	maps := p.client.CoreV1().ConfigMaps(namespace)
	if _, err := maps.Patch(ctx, "c04", types.MergePatchType, []byte(`{"data":{"x":"y"}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	if err := maps.Delete(ctx, "c05", metav1.DeleteOptions{}); err != nil {
		return err
	}
	return eventually(ctx, func() error {
		if n := len(factory.Core().V1().ConfigMaps().Informer().GetStore().List()); added.Load() < 25 || updated.Load() < 1 || deleted.Load() < 1 || n < 24 {
			return fmt.Errorf("%d added, %d updated, %d deleted, %d kept", added.Load(), updated.Load(), deleted.Load(), n)
		}
		return nil
	})
}

func (p *program) metadata(ctx context.Context) error {
	client, err := metadata.NewForConfig(p.config)
	if err != nil {
		return err
	}
	list, err := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if len(list.Items) < 24 || list.Items[0].UID == "" {
		return fmt.Errorf("%d items", len(list.Items))
	}
	return nil
}

func (p *program) dynamic(ctx context.Context) error {
	client, err := dynamic.NewForConfig(p.config)
	if err != nil {
		return err
	}
	crds := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	crd := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "pages.clientgo.test"},
		"spec": map[string]any{
			"group": "clientgo.test", "scope": "Namespaced",
			"names": map[string]any{"plural": "pages", "singular": "page", "kind": "Page", "listKind": "PageList"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true, "subresources": map[string]any{"status": map[string]any{}},
				"schema": map[string]any{"openAPIV3Schema": map[string]any{
					"type": "object",
					"properties": map[string]any{
						"spec":   map[string]any{"type": "object", "properties": map[string]any{"title": map[string]any{"type": "string", "maxLength": int64(5)}}},
						"status": map[string]any{"type": "object", "properties": map[string]any{"ready": map[string]any{"type": "boolean"}}},
					},
				}},
			}},
		},
	}}
	if _, err := crds.Create(ctx, crd, metav1.CreateOptions{}); err != nil {
		return err
	}
	defer func() { _ = crds.Delete(context.WithoutCancel(ctx), "pages.clientgo.test", metav1.DeleteOptions{}) }()
	pages := client.Resource(schema.GroupVersionResource{Group: "clientgo.test", Version: "v1", Resource: "pages"}).Namespace(namespace)
	page := func(title string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "clientgo.test/v1", "kind": "Page", "metadata": map[string]any{"name": "one"}, "spec": map[string]any{"title": title},
		}}
	}
	if err := eventually(ctx, func() error { _, err := pages.Create(ctx, page("short"), metav1.CreateOptions{}); return err }); err != nil {
		return err
	}
	if _, err := pages.Apply(ctx, "one", page("too long"), metav1.ApplyOptions{FieldManager: "dynamic", Force: true}); !apierrors.IsInvalid(err) {
		return fmt.Errorf("a title too long: %v", err)
	}
	now, err := pages.Get(ctx, "one", metav1.GetOptions{})
	if err != nil {
		return err
	}
	_ = unstructured.SetNestedField(now.Object, true, "status", "ready")
	now, err = pages.UpdateStatus(ctx, now, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	if ready, _, _ := unstructured.NestedBool(now.Object, "status", "ready"); !ready {
		return fmt.Errorf("status: %v", now.Object["status"])
	}
	return nil
}

func (p *program) elect(ctx context.Context) error {
	leads := make(chan string, 8)
	run := func(ctx context.Context, name string) chan struct{} {
		over := make(chan struct{})
		lock, err := resourcelock.New(resourcelock.LeasesResourceLock, namespace, "leader", p.client.CoreV1(), p.client.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: name})
		if err != nil {
			leads <- err.Error()
		}
		go func() {
			leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
				Lock: lock, LeaseDuration: 4 * time.Second, RenewDeadline: 3 * time.Second, RetryPeriod: 200 * time.Millisecond, ReleaseOnCancel: true,
				Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { leads <- name }, OnStoppedLeading: func() {}},
			})
			close(over)
		}()
		return over
	}
	first, end := context.WithCancel(ctx)
	over := run(first, "first")
	if who := <-leads; who != "first" {
		end()
		return errors.New(who)
	}
	second, stop := context.WithCancel(ctx)
	defer stop()
	run(second, "second")
	end()
	<-over
	select {
	case who := <-leads:
		if who != "second" {
			return errors.New(who)
		}
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("nobody took over")
	}
}

func (p *program) remove(ctx context.Context) error {
	none := int64(0)
	if err := p.client.CoreV1().ConfigMaps(namespace).DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: &none}, metav1.ListOptions{LabelSelector: "half"}); err != nil {
		return err
	}
	list, err := p.client.CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{LabelSelector: "half"})
	if err != nil || len(list.Items) > 0 {
		return fmt.Errorf("%d left, %v", len(list.Items), err)
	}
	if err := p.client.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{}); err != nil {
		return err
	}
	return eventually(ctx, func() error {
		_, err := p.client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("the namespace is still there: %v", err)
	})
}

func eventually(ctx context.Context, check func() error) error {
	var err error
	for range 150 {
		if err = check(); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
	return err
}
