// Command harbor-client goes through people, projects and content of a suite with Harbor's own Go client, and says of
// each step whether it worked. Every answer has to fit the client's models, field by field.
//
// It is told where and as whom by HARBOR_URL, HARBOR_USERNAME and HARBOR_PASSWORD, and which image is there by
// HARBOR_PROJECT, HARBOR_REPOSITORY and HARBOR_TAG.
package main

import (
	"context"
	"fmt"
	"os"
)

type step struct {
	name string
	run  func(*session) error
}

func main() {
	s, err := openSession(os.Getenv("HARBOR_USERNAME"), os.Getenv("HARBOR_PASSWORD"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	failed := 0
	for _, feature := range [][]step{systemSteps, projectSteps, memberSteps, robotSteps, labelSteps, immutabilitySteps, quotaSteps, userSteps, groupSteps, contentSteps} {
		for _, one := range feature {
			if err := one.run(s); err != nil {
				failed++
				fmt.Printf("FAILED %s: %v\n", one.name, err)
				break
			}
			fmt.Printf("ok %s\n", one.name)
		}
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func background() context.Context { return context.Background() }
