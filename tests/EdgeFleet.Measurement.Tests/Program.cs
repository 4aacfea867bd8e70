using EdgeFleet.Measurement.Hosts;
using EdgeFleet.Measurement.Tests.Hosts;

// The tests start this assembly as a program: it is the model host that they measure with.
return args switch
{
    [ModelHost.Command] => ModelHost.Run(),
    [HeardRequests.Command, var file, ModelHost.Command] => HeardRequests.Run(file),
    _ => 2,
};
