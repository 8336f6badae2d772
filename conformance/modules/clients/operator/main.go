// operator is a small operator written with controller-runtime: for each ConfigMap labelled site=yes it keeps a
// Deployment and a Service, tells what it did by an Event and an annotation, and cleans up behind a finalizer.
// usage: KUBECONFIG=FILE operator
package main

import (
	"context"
	"os"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

const finalizer = "conformance.test/site"

type reconciler struct {
	client.Client
	events record.EventRecorder
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var site corev1.ConfigMap
	if err := r.Get(ctx, request.NamespacedName, &site); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !site.DeletionTimestamp.IsZero() {
		r.events.Event(&site, corev1.EventTypeNormal, "Gone", "the site is gone")
		if controllerutil.RemoveFinalizer(&site, finalizer) {
			return ctrl.Result{}, r.Update(ctx, &site)
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(&site, finalizer) {
		if err := r.Update(ctx, &site); err != nil {
			return ctrl.Result{}, err
		}
	}
	replicas64, err := strconv.ParseInt(site.Data["replicas"], 10, 32)
	if err != nil {
		replicas64 = 1
	}
	replicas := int32(replicas64)
	labels := map[string]string{"site": site.Name}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: site.Name, Namespace: site.Namespace}}
	if _, err := controllerutil.CreateOrUpdate(ctx, r.Client, deployment, func() error {
		deployment.Spec.Replicas = &replicas
		deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
		deployment.Spec.Template.Labels = labels
		deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "example.com/web:1"}}
		return controllerutil.SetControllerReference(&site, deployment, r.Scheme())
	}); err != nil {
		return ctrl.Result{}, err
	}
	service := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: site.Name, Namespace: site.Namespace},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}},
	}
	if err := controllerutil.SetControllerReference(&site, service, r.Scheme()); err != nil {
		return ctrl.Result{}, err
	}
	//nolint:staticcheck // the older way to apply, which most operators still use
	if err := r.Patch(ctx, service, client.Apply, client.FieldOwner("operator"), client.ForceOwnership); err != nil {
		return ctrl.Result{}, err
	}
	ready := strconv.Itoa(int(deployment.Status.ReadyReplicas))
	if site.Annotations["ready"] != ready {
		before := site.DeepCopy()
		metav1.SetMetaDataAnnotation(&site.ObjectMeta, "ready", ready)
		if err := r.Patch(ctx, &site, client.MergeFrom(before)); err != nil {
			return ctrl.Result{}, err
		}
		r.events.Eventf(&site, corev1.EventTypeNormal, "Ready", "%s of %d ready", ready, replicas)
	}
	return ctrl.Result{}, nil
}

func main() {
	ctrl.SetLogger(zap.New())
	config := ctrl.GetConfigOrDie()
	lease, renew, retry := 4*time.Second, 3*time.Second, 500*time.Millisecond
	manager, err := ctrl.NewManager(config, ctrl.Options{
		LeaderElection: true, LeaderElectionID: "site-operator", LeaderElectionNamespace: "default",
		LeaseDuration: &lease, RenewDeadline: &renew, RetryPeriod: &retry, LeaderElectionReleaseOnCancel: true,
		Metrics: server.Options{BindAddress: "0"},
	})
	if err != nil {
		ctrl.Log.Error(err, "no manager")
		os.Exit(1)
	}
	isSite, err := predicate.LabelSelectorPredicate(metav1.LabelSelector{MatchLabels: map[string]string{"site": "yes"}})
	if err == nil {
		err = ctrl.NewControllerManagedBy(manager).Named("site").
			For(&corev1.ConfigMap{}, builder.WithPredicates(isSite)).
			Owns(&appsv1.Deployment{}).Owns(&corev1.Service{}).
			Complete(&reconciler{Client: manager.GetClient(), events: manager.GetEventRecorderFor("site-operator")})
	}
	if err == nil {
		err = manager.Start(ctrl.SetupSignalHandler())
	}
	if err != nil {
		ctrl.Log.Error(err, "ended")
		os.Exit(1)
	}
}
