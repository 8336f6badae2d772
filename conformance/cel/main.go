// Command celask answers what Kubernetes' own CEL environments say to expressions: one JSON object for each line of
// standard input, `{"e": expression}`, with the type, the static and the actual cost, the value or the error.
// With -functions it prints every function that the environment declares, with its overloads, and ends.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/debug"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/common"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
	"k8s.io/apiserver/pkg/cel/mutation"
	"k8s.io/apiserver/pkg/cel/mutation/dynamic"
)

// Answer is what is said of one expression. Costs are texts, for they may be beyond what JSON's numbers hold.
type Answer struct {
	Expression string     `json:"e"`
	Issues     string     `json:"issues,omitempty"`
	Type       string     `json:"type,omitempty"`
	Static     *[2]string `json:"static,omitempty"`
	Value      string     `json:"value,omitempty"`
	Error      string     `json:"error,omitempty"`
	Actual     string     `json:"actual,omitempty"`
}

var sizes = map[string]checker.SizeEstimate{
	"s": {Min: 0, Max: 20}, "t": {Min: 0, Max: 7}, "long": {Min: 0, Max: 100000},
	"ls": {Min: 0, Max: 10}, "ls.@items": {Min: 0, Max: 20}, "lt": {Min: 0, Max: 3}, "lt.@items": {Min: 0, Max: 9},
	"li": {Min: 0, Max: 10}, "lj": {Min: 0, Max: 4}, "ld": {Min: 0, Max: 10}, "lu": {Min: 0, Max: 5},
	"b": {Min: 0, Max: 30}, "m": {Min: 0, Max: 6}, "m.@keys": {Min: 0, Max: 8}, "m.@values": {Min: 0, Max: 11},
	"lq": {Min: 0, Max: 5},
}

type estimator struct{}

func (estimator) EstimateSize(node checker.AstNode) *checker.SizeEstimate {
	if size, ok := sizes[strings.Join(node.Path(), ".")]; ok && len(node.Path()) > 0 {
		return &size
	}
	return nil
}

func (estimator) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}

func variables() []cel.EnvOption {
	list := func(name string, of *cel.Type) cel.EnvOption { return cel.Variable(name, cel.ListType(of)) }
	return []cel.EnvOption{
		cel.Variable("s", cel.StringType), cel.Variable("t", cel.StringType), cel.Variable("long", cel.StringType),
		cel.Variable("u", cel.StringType), cel.Variable("b", cel.BytesType), cel.Variable("i", cel.IntType),
		list("ls", cel.StringType), list("lt", cel.StringType), list("li", cel.IntType), list("lj", cel.IntType),
		list("ld", cel.DynType), list("lu", cel.StringType),
		cel.Variable("m", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("d", cel.DynType), cel.Variable("authorizer", library.AuthorizerType),
		cel.Variable("authorizer.requestResource", library.ResourceCheckType),
	}
}

func activation() map[string]any {
	return map[string]any{
		"s": "hello world", "t": "o", "long": strings.Repeat("ab", 500), "u": "unsized", "b": []byte("bytes"), "i": 3,
		"ls": []string{"b", "a", "c"}, "lt": []string{"a"}, "li": []int64{3, 1, 2}, "lj": []int64{1},
		"ld": []any{int64(1), "x", 2.5}, "lu": []string{"p", "q"},
		"m": map[string]string{"k": "v"}, "d": map[string]any{"x": int64(1), "s": "text", "l": []any{int64(1), int64(2)}},
		"authorizer":                 library.NewAuthorizerVal(&user.DefaultInfo{Name: "jane"}, decider{}),
		"authorizer.requestResource": library.NewResourceAuthorizerVal(&user.DefaultInfo{Name: "jane"}, decider{}, request{}),
	}
}

type request struct{}

func (request) GetName() string        { return "web" }
func (request) GetNamespace() string   { return "shop" }
func (request) GetSubresource() string { return "scale" }
func (request) GetResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
}

// decider allows the verb `get`, forbids `delete`, errs at `err`, and else has no opinion; its reason is what it was asked.
type decider struct{}

func (decider) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	fields, fieldsError := a.GetFieldSelector()
	labels, labelsError := a.GetLabelSelector()
	asked := fmt.Sprintf("%s %s g=%s v=%s r=%s sub=%s ns=%s n=%s path=%s is=%v f=%v %v l=%v %v", a.GetUser().GetName(), a.GetVerb(),
		a.GetAPIGroup(), a.GetAPIVersion(), a.GetResource(), a.GetSubresource(), a.GetNamespace(), a.GetName(), a.GetPath(),
		a.IsResourceRequest(), fields, fieldsError, labels, labelsError)
	if groups := a.GetUser().GetGroups(); len(groups) > 0 {
		asked += " " + strings.Join(groups, ",")
	}
	switch a.GetVerb() {
	case "get":
		return authorizer.DecisionAllow, asked, nil
	case "delete":
		return authorizer.DecisionDeny, asked, nil
	case "err":
		return authorizer.DecisionNoOpinion, asked, fmt.Errorf("no connection")
	}
	return authorizer.DecisionNoOpinion, asked, nil
}

func main() {
	functions := flag.Bool("functions", false, "print the functions declared")
	at := flag.String("version", "1.35", "compatibility version")
	stored := flag.Bool("stored", false, "the environment of stored expressions")
	patches := flag.Bool("patches", false, "with the functions that mutating policies have besides")
	bare := flag.Bool("bare", false, "without variables")
	schemaFile := flag.String("schema", "", "a file with a schema and an object, for rules about `self` instead of the variables")
	tree := flag.Bool("tree", false, "print the expanded tree of each expression instead")
	flag.Parse()
	set := environment.MustBaseEnvSet(version.MustParse(*at))
	all := []environment.VersionedOptions{}
	var about checker.CostEstimator = estimator{}
	given := activation()
	if *schemaFile != "" {
		self, err := readSubject(*schemaFile)
		if err != nil {
			fail(err)
		}
		all = append(all, self.options())
		about, given = self, self.values
	} else if !*bare {
		all = append(all, environment.VersionedOptions{IntroducedVersion: version.MajorMinor(1, 0), EnvOptions: variables()})
	}
	if *patches {
		options := []cel.EnvOption{library.JSONPatch(), common.ResolverEnvOption(&mutation.DynamicTypeResolver{})}
		all = append(all, environment.VersionedOptions{IntroducedVersion: version.MajorMinor(1, 0), EnvOptions: options})
	}
	set, err := set.Extend(all...)
	if err != nil {
		fail(err)
	}
	env := set.NewExpressionsEnv()
	if *stored {
		env = set.StoredExpressionsEnv()
	}
	if *functions {
		declared(env)
		return
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.Scan() {
		var question Answer
		if err := json.Unmarshal(in.Bytes(), &question); err != nil {
			fail(err)
		}
		if *tree {
			if parsed, issues := env.Parse(question.Expression); issues == nil || issues.Err() == nil {
				fmt.Println(debug.ToDebugString(parsed.NativeRep().Expr()))
			}
			continue
		}
		if err := out.Encode(answer(env, about, given, question.Expression)); err != nil {
			fail(err)
		}
	}
	if err := in.Err(); err != nil {
		fail(err)
	}
}

func answer(env *cel.Env, about checker.CostEstimator, given map[string]any, expression string) Answer {
	said := Answer{Expression: expression}
	ast, issues := env.Compile(expression)
	if issues != nil && issues.Err() != nil {
		said.Issues = issues.String()
		return said
	}
	said.Type = ast.OutputType().String()
	costs := &library.CostEstimator{SizeEstimator: about}
	static, err := env.EstimateCost(ast, costs)
	if err != nil {
		said.Error = "estimate: " + err.Error()
		return said
	}
	said.Static = &[2]string{fmt.Sprint(static.Min), fmt.Sprint(static.Max)}
	program, err := env.Program(ast, cel.CostTracking(costs), cel.CostLimit(100_000_000), cel.InterruptCheckFrequency(100))
	if err != nil {
		said.Error = "program: " + err.Error()
		return said
	}
	value, details, err := program.ContextEval(context.Background(), given)
	if details != nil && details.ActualCost() != nil {
		said.Actual = fmt.Sprint(*details.ActualCost())
	}
	if err != nil {
		said.Error = err.Error()
		return said
	}
	said.Value = text(value)
	return said
}

// text writes a value so that its type can be told.
func text(value ref.Val) string {
	if value == nil { // what the iteration over an object gives for a field that its schema does not have
		return "nothing"
	}
	switch each := value.(type) {
	case types.Null:
		return "null"
	case types.String:
		return quoted(string(each))
	case types.Uint:
		return fmt.Sprintf("%du", uint64(each))
	case types.Double:
		return "double " + fmt.Sprint(float64(each))
	case types.Bytes:
		return "b" + quoted(string(each))
	case types.Duration:
		return "duration " + each.Duration.String()
	case types.Timestamp:
		return "timestamp " + each.Time.Format("2006-01-02T15:04:05.999999999Z07:00")
	case *types.Optional:
		if !each.HasValue() {
			return "none"
		}
		return "optional(" + text(each.GetValue()) + ")"
	case traits.Mapper:
		var entries []string
		for at := each.Iterator(); at.HasNext() == types.True; {
			key := at.Next()
			if key == nil {
				continue
			}
			entries = append(entries, text(key)+": "+text(each.Get(key)))
		}
		sort.Strings(entries)
		return "{" + strings.Join(entries, ", ") + "}"
	case traits.Lister:
		var items []string
		for at := each.Iterator(); at.HasNext() == types.True; {
			items = append(items, text(at.Next()))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case *types.Type:
		return "type " + each.TypeName()
	case *dynamic.ObjectVal:
		return objectText(each)
	case *mutation.JSONPatchVal:
		if each.Val == nil {
			return fmt.Sprintf("patch %s %s %s", each.Op, each.Path, each.From)
		}
		return fmt.Sprintf("patch %s %s %s %s", each.Op, each.Path, each.From, text(each.Val))
	}
	switch value.Type() {
	case types.BoolType, types.IntType:
		return fmt.Sprint(value.Value())
	}
	if value.Type() == apiservercel.FormatType {
		return value.Type().TypeName()
	}
	return value.Type().TypeName() + " " + fmt.Sprint(value.Value())
}

// objectText writes an object that a literal made as the JSON that a mutating policy merges.
func objectText(object *dynamic.ObjectVal) string {
	if err := object.CheckTypeNamesMatchFieldPathNames(); err != nil {
		return "mismatch " + err.Error()
	}
	native, err := object.ConvertToNative(reflect.TypeFor[map[string]any]())
	if err != nil {
		return "no JSON " + err.Error()
	}
	encoded, err := json.Marshal(native)
	if err != nil {
		return "no JSON " + err.Error()
	}
	return object.Type().TypeName() + " " + string(encoded)
}

func quoted(plain string) string {
	encoded, err := json.Marshal(plain)
	if err != nil {
		fail(err)
	}
	return string(encoded)
}

func declared(env *cel.Env) {
	all := env.Functions()
	names := []string{}
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		for _, overload := range all[name].OverloadDecls() {
			args := []string{}
			for _, arg := range overload.ArgTypes() {
				args = append(args, arg.String())
			}
			form := "global"
			if overload.IsMemberFunction() {
				form = "member"
			}
			fmt.Printf("%s\t%s\t%s\t(%s) -> %s\n", name, form, overload.ID(), strings.Join(args, ", "), overload.ResultType())
		}
	}
	for _, macro := range env.Macros() {
		fmt.Printf("macro\t%s\t%v\n", macro.MacroKey(), macro.IsReceiverStyle())
	}
	for _, name := range env.Libraries() {
		fmt.Printf("library\t%s\n", name)
	}
	for _, each := range env.Variables() {
		fmt.Printf("variable\t%s\t%s\n", each.Name(), each.Type())
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "celask:", err)
	os.Exit(1)
}
