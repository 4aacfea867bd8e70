using EdgeFleet.Measurement.Hosts;

// The tests start this assembly as a program: it is the model host that they measure with.
return args is [ModelHost.Command] ? ModelHost.Run() : 2;
