// Package suites names what is built as test binaries, so that the module has all that their tests need.
package suites

import (
	_ "sigs.k8s.io/controller-runtime/pkg/client"
	_ "sigs.k8s.io/controller-runtime/pkg/envtest"
)
