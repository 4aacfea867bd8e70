using EdgeFleet.Inference;

// ChosenLibraryTests starts this assembly as a program: the library is chosen once per process.
try
{
    Console.WriteLine($"{InferenceRuntime.Version} {InferenceRuntime.ChosenLibrary}");
    return 0;
}
catch (InferenceException ex)
{
    Console.Error.WriteLine(ex.Message);
    return 1;
}
