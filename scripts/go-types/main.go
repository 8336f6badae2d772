// Prints the JSON shape of every Go type of the Kubernetes API, one definition a line: the field names in the order in
// which Go writes them, their Go types as the decoder's errors name them, and which of them vanish when empty.
//
// Of the types, only those that the schema table has are printed.
//
//	go run . ../../reference/kubernetes-v1.35-schema.json > ../../reference/kubernetes-v1.35-go-types.json
//	go run . ../../reference/kubernetes-v1.35-schema.json kinds > ../../reference/kubernetes-v1.35-kinds.json
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

var marshaler = reflect.TypeOf((*json.Marshaler)(nil)).Elem()

// definitionName is the name of a type in Kubernetes' OpenAPI documents.
func definitionName(t reflect.Type) string {
	host, path, _ := strings.Cut(t.PkgPath(), "/")
	labels := strings.Split(host, ".")
	for i, j := 0, len(labels)-1; i < j; i, j = i+1, j-1 {
		labels[i], labels[j] = labels[j], labels[i]
	}
	return strings.Join(labels, ".") + "." + strings.ReplaceAll(path, "/", ".") + "." + t.Name()
}

func isOwn(t reflect.Type) bool {
	return t.Name() != "" && strings.HasPrefix(t.PkgPath(), "k8s.io/")
}

type table map[string][]string

// add records a struct and all that it leads to.
func (found table) add(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		found.add(t.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	name := definitionName(t)
	if _, known := found[name]; known || t.Implements(marshaler) || reflect.PointerTo(t).Implements(marshaler) {
		return
	}
	found[name] = nil
	found[name] = found.fields(t, "")
}

func (found table) fields(t reflect.Type, embedded string) []string {
	var list []string
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		tag, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if tag == "-" || !field.IsExported() {
			continue
		}
		if tag == "" && field.Anonymous {
			list = append(list, found.fields(field.Type, embedded+field.Name+"/")...)
			continue
		}
		if tag == "" {
			tag = field.Name
		}
		flags := ""
		for _, option := range strings.Split(options, ",") {
			if option == "omitempty" || option == "omitzero" {
				flags += " " + option
			}
		}
		list = append(list, embedded+tag+" "+strings.ReplaceAll(typeName(field.Type), " ", "")+flags)
		found.add(field.Type)
	}
	return list
}

// typeName is what Go's errors call the type; a named type that is not a struct tells what it is made of.
func typeName(t reflect.Type) string {
	name := t.String()
	base := t
	for base.Name() == "" && (base.Kind() == reflect.Pointer || base.Kind() == reflect.Slice || base.Kind() == reflect.Map) {
		base = base.Elem()
	}
	if isOwn(base) && base.Kind() != reflect.Struct {
		name += "=" + underlying(base)
	}
	return name
}

func underlying(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "[]" + t.Elem().String()
	case reflect.Map:
		return "map[" + t.Key().String() + "]" + t.Elem().String()
	default:
		return t.Kind().String()
	}
}

func schemaNames(path string) map[string]bool {
	var schema struct {
		Definitions map[string]any `json:"definitions"`
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &schema)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	names := map[string]bool{}
	for name := range schema.Definitions {
		names[name] = true
	}
	return names
}

// printKinds prints every kind that Kubernetes' code knows, also of versions that it no longer serves, by version.
func printKinds(out *bufio.Writer, known *runtime.Scheme) {
	byVersion := map[string][]string{}
	for gvk := range known.AllKnownTypes() {
		if gvk.Version != runtime.APIVersionInternal {
			byVersion[gvk.GroupVersion().String()] = append(byVersion[gvk.GroupVersion().String()], gvk.Kind)
		}
	}
	versions := make([]string, 0, len(byVersion))
	for version, kinds := range byVersion {
		sort.Strings(kinds)
		versions = append(versions, version)
	}
	sort.Strings(versions)
	fmt.Fprintln(out, "{")
	for i, version := range versions {
		comma := ","
		if i == len(versions)-1 {
			comma = ""
		}
		fmt.Fprintf(out, "%q: %q%s\n", version, strings.Join(byVersion[version], " "), comma)
	}
	fmt.Fprintln(out, "}")
}

func main() {
	kept := schemaNames(os.Args[1])
	known := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensions.AddToScheme, apiregistration.AddToScheme} {
		if err := add(known); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	found := table{}
	for _, t := range known.AllKnownTypes() {
		found.add(t)
	}
	names := make([]string, 0, len(found))
	for name := range found {
		// Versions that Kubernetes v1.35 no longer serves are of no use.
		if kept[name] {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	if len(os.Args) > 2 {
		printKinds(out, known)
		return
	}
	fmt.Fprintln(out, "{")
	for i, name := range names {
		key, _ := json.Marshal(name)
		text, _ := json.Marshal(strings.Join(found[name], "; "))
		comma := ","
		if i == len(names)-1 {
			comma = ""
		}
		fmt.Fprintf(out, "%s: %s%s\n", key, text, comma)
	}
	fmt.Fprintln(out, "}")
}
