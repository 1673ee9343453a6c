module gatehouse/tests/sdk/browser

go 1.19
