// Ollama's own code on an exported folder: reads the Modelfile, says what the template makes the model capable of, and
// renders conversations. Its input is {"folder", "chats": [{"messages", "think"}]}.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/parser"
	"github.com/ollama/ollama/template"
	"github.com/ollama/ollama/thinking"
)

type task struct {
	Folder string
	Chats  []struct {
		Messages []api.Message
		Think    *bool
	}
}

func main() {
	var t task
	check(json.NewDecoder(os.Stdin).Decode(&t))
	file, err := os.Open(filepath.Join(t.Folder, "Modelfile"))
	check(err)
	modelfile, err := parser.ParseFile(file)
	check(err)
	text := "{{ .Prompt }}"
	parameters := map[string][]string{}
	for _, command := range modelfile.Commands {
		if command.Name == "template" {
			text = command.Args
		} else {
			parameters[command.Name] = append(parameters[command.Name], command.Args)
		}
	}
	parsed, err := template.Parse(text)
	check(err)
	vars, err := parsed.Vars()
	check(err)
	open, close := thinking.InferTags(parsed.Template)
	rendered := []string{}
	for _, chat := range t.Chats {
		var b bytes.Buffer
		values := template.Values{Messages: chat.Messages}
		if chat.Think != nil {
			values.IsThinkSet = true
			values.Think = *chat.Think
		}
		check(parsed.Execute(&b, values))
		rendered = append(rendered, b.String())
	}
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"thinking": []string{open, close}, "vars": vars, "parameters": parameters, "rendered": rendered,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
